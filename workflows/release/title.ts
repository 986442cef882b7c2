import { chartOf, type AttemptKind } from '../core/facts.ts';
import type { History, Look } from '../core/model.ts';

/** What the Temporal UI shows for an attempt: "upgrade app 1.2.0 → 1.3.0". */
export function titleOf(action: AttemptKind, look: Look, history: History): string {
  const { object, stored } = look;
  const name = object?.spec.kind === 'valid' ? object.spec.desired.release.name : (object?.spec.release.name ?? '');
  const { version } = chartOf(look);
  if (action.kind === 'uninstall') return `uninstall ${name}`;
  if (action.kind === 'rollback') return `rollback ${name} to revision ${action.toRevision}`;
  const from = history.recent.findLast(({ revision }) => revision !== null && revision === stored?.revision)?.version;
  const versions = from === undefined || from === version ? version : `${from} → ${version}`;
  return `${action.kind} ${name} ${versions}`.trim();
}

/** The label `holdfast.dev/attempt`: the object's uid and the attempt's number, 40 hex digits, unique for ever. */
export function attemptLabel(uid: string, n: number): string {
  return uid.replaceAll('-', '').slice(0, 32) + n.toString(16).padStart(8, '0');
}
