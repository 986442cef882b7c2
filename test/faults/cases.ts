/** The moments of an attempt at which something can be ended. */

export const ACTIONS = ['install', 'upgrade', 'rollback', 'uninstall', 'unlock', 'test', 'correction'] as const;
/**
 * `rollback`: of an upgrade that failed. `unlock`: of an upgrade whose helm was killed in the hook before it. `test`: of
 * a revision that is there and ready; the only hook is the test itself. `correction`: of a ConfigMap that another hand
 * changed.
 */
export type Action = (typeof ACTIONS)[number];

/** In the order in which an attempt goes through them. */
export const MOMENTS = ['pull', 'record', 'hook', 'objects', 'postHook', 'closing', 'report', 'wait'] as const;
/**
 * `pull`: the chart is asked of the registry. `record`: helm is about to write its record, its first write. `hook`: a
 * Job before the action runs. `objects`: the record is pending, and the first object is about to be written.
 * `postHook`: a Job after the action runs. `closing`: all objects are written, and the record is still pending.
 * `report`: the record is closed, helm has ended, and nobody has been told. `wait`: the write is over, we wait.
 */
export type Moment = (typeof MOMENTS)[number];

export interface Case {
  readonly action: Action;
  readonly moment: Moment;
  /** Tells two cases of one file apart that are otherwise alike. */
  readonly variant?: string;
}

/** Its namespace; the release in it is called `app`. */
export function nameOf({ action, moment, variant }: Case): string {
  return [action, moment.toLowerCase(), ...(variant === undefined ? [] : [variant])].join('-');
}

export function casesOf(actions: readonly Action[], moments: readonly Moment[]): readonly Case[] {
  return actions.flatMap((action) => moments.map((moment) => ({ action, moment })));
}
