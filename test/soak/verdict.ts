import type { Declared, Revision } from './releases.ts';

/** What is wrong with the records of a soak that is over; empty: nothing. */
export function judge(declared: readonly Declared[], revisions: readonly Revision[]): readonly string[] {
  const known = new Set(declared.map(({ name }) => name));
  const strangers = [...new Set(revisions.map(({ release }) => release).filter((release) => !known.has(release)))];
  return [
    ...declared.flatMap((wanted) =>
      judgeOne(
        wanted,
        revisions.filter(({ release }) => release === wanted.name),
      ),
    ),
    ...strangers.map((release) => `${release}: nobody declared it`),
  ];
}

function judgeOne({ name, change }: Declared, own: readonly Revision[]): readonly string[] {
  const pending = own.filter(({ status }) => status.startsWith('pending-') || status === 'uninstalling');
  const deployed = own.filter(({ status }) => status === 'deployed');
  const newest = own.toSorted((a, b) => a.revision - b.revision).at(-1);
  return [
    ...pending.map(({ revision, status }) => `${name}: revision ${revision} is left ${status}`),
    ...(deployed.length === 1 ? [] : [`${name}: ${deployed.length} revisions are deployed instead of one`]),
    ...(newest?.change === change && newest.status === 'deployed'
      ? []
      : [`${name}: change ${change} is lost; the newest revision is ${describe(newest)}`]),
    ...doubled(own).map((again) => `${name}: change ${again} was carried out twice`),
  ];
}

/** Changes that two revisions carried out to the end. One that was interrupted says so and does not count. */
function doubled(own: readonly Revision[]): readonly number[] {
  const done = own.filter(isDone).map(({ change }) => change);
  return [...new Set(done.filter((change, at) => done.indexOf(change) !== at))];
}

/** A record that died is closed as failed, which a later success may turn to superseded; its description stays. */
export function isDone({ status, description }: Revision): boolean {
  return (status === 'deployed' || status === 'superseded') && !/ failed: /.test(description);
}

function describe(revision: Revision | undefined): string {
  return revision === undefined ? 'none' : `${revision.revision}, ${revision.status}, of change ${revision.change}`;
}
