import { chartOf, type AttemptKind } from '../core/facts.ts';
import type { History, Look } from '../core/model.ts';

/** What the Temporal UI shows for an attempt: "upgrade app 1.2.0 → 1.3.0". */
export function titleOf(action: AttemptKind, look: Look, history: History): string {
  const { object, stored } = look;
  const name = object?.spec.kind === 'valid' ? object.spec.desired.release.name : (object?.spec.release.name ?? '');
  switch (action.kind) {
    case 'install':
    case 'upgrade':
      return `${action.kind} ${name} ${versionsOf(look, history)}`.trim();
    case 'rollback':
      return `rollback ${name} to revision ${action.toRevision}`;
    case 'test':
      return `test ${name} revision ${stored?.revision ?? ''}`;
    case 'uninstall':
      return `uninstall ${name}`;
  }
}

function versionsOf(look: Look, { recent }: History): string {
  const { version } = chartOf(look);
  const from = recent.findLast(({ revision }) => revision !== null && revision === look.stored?.revision)?.version;
  return from === undefined || from === version ? version : `${from} → ${version}`;
}

/** The label `holdfast.dev/attempt`: the object's uid and the attempt's number, 40 hex digits, unique for ever. */
export function attemptLabel(uid: string, n: number): string {
  return uid.replaceAll('-', '').slice(0, 32) + n.toString(16).padStart(8, '0');
}
