import type { ObjectRef } from './ids.ts';
import {
  ATTEMPT_ACTIONS,
  type Action,
  type AttemptAction,
  type History,
  type Look,
  type ReleaseObject,
} from './model.ts';

/** `namespace/name`, as people write it. */
export function refText({ namespace, name }: ObjectRef): string {
  return `${namespace}/${name}`;
}

/** What the object asks for, with empty texts where it cannot be read. */
export function chartOf({ object }: Look): { readonly name: string; readonly version: string; readonly url: string } {
  return object?.spec.kind === 'valid' ? object.spec.desired.chart : { name: '', version: '', url: '' };
}

/** Where the spec wants the release, also when it is invalid otherwise. */
export function wantedTarget({ spec }: ReleaseObject): ObjectRef {
  return spec.kind === 'valid' ? spec.desired.release : spec.release;
}

/** Where the release is, or will be: what was installed does not move because the spec names another place. */
export function releaseOf(object: ReleaseObject, { target }: History): ObjectRef {
  return target ?? wantedTarget(object);
}

/** Tells whether the spec names another place than the one where the release is. */
export function isElsewhere(object: ReleaseObject, { target }: History): boolean {
  return target !== null && !isSamePlace(target, wantedTarget(object));
}

export function isSamePlace(one: ObjectRef, other: ObjectRef): boolean {
  return one.name === other.name && one.namespace === other.namespace;
}

/** Failures in a row for the desired state. */
export function failuresOf({ failuresBeforeWrite, failuresAfterWrite }: History): number {
  return failuresBeforeWrite + failuresAfterWrite;
}

/** The GitRepository that the object came from, as text; empty for one that a person applied. */
export function sourceOf({ object }: Look): { readonly repository: string; readonly revision: string } {
  if (object?.source == null) return { repository: '', revision: '' };
  return { repository: refText(object.source.repository), revision: object.source.revision };
}

/** Actions that are carried out by an attempt, a workflow of its own. */
export type AttemptKind = Extract<Action, { kind: AttemptAction }>;

export function isAttempt(action: Action): action is AttemptKind {
  return ATTEMPT_ACTIONS.some((kind) => kind === action.kind);
}
