/** How a case is kept at its moment, and by what it is known to be there. */
import type { Asked, Gate, Hold } from '../support/gate.ts';
import { nameOf, type Action, type Case } from './cases.ts';
import { chartOf, hooksOf } from './releases.ts';
import type { Seen } from './survey.ts';

export interface Gates {
  readonly cluster: Gate;
  readonly registry: Gate;
}

/** Where a case is brought first: only a worker that is stopped keeps what it knows to itself. */
export function firstStop(one: Case): Case {
  if (one.moment !== 'report') return one;
  return { ...one, moment: isOneRequest(one) ? 'record' : 'closing' };
}

/** Without a helm. */
function isOneRequest({ action }: Case): boolean {
  return action === 'unlock' || action === 'correction';
}

/** The revision that the action writes, or corrects. */
const REVISIONS: Readonly<Record<Action, number>> = {
  install: 1,
  upgrade: 2,
  rollback: 3,
  uninstall: 1,
  unlock: 2,
  test: 1,
  correction: 1,
};

/** Keep back what ends the moment; hooks and waits last by themselves. */
export function holdFor({ cluster, registry }: Gates, one: Case): Hold | null {
  const { action } = one;
  const record = `/secrets/sh.helm.release.v1.app.v${REVISIONS[action]}`;
  switch (firstStop(one).moment) {
    case 'pull':
      return registry.hold(({ path }) => path.startsWith(`/v2/charts/${chartOf(one)}/blobs/`));
    case 'record':
      return cluster.hold(firstWrite(one, record));
    case 'objects':
      return cluster.hold(objectWrite(one));
    case 'closing':
      return cluster.hold(closingWrite(one, record));
    case 'report':
    case 'hook':
    case 'postHook':
    case 'wait':
      return null;
  }
}

type Fits = (asked: Asked) => boolean;

function isWrite(one: Case, path: string, ...methods: readonly string[]): Fits {
  const start = `/api/v1/namespaces/${nameOf(one)}${path}`;
  return (asked) => methods.includes(asked.method) && asked.path.startsWith(start);
}

function firstWrite(one: Case, record: string): Fits {
  if (one.action === 'unlock') return isWrite(one, record, 'PATCH');
  if (one.action === 'uninstall' || one.action === 'test') return isWrite(one, record, 'PUT');
  if (one.action === 'correction') {
    const corrects = isWrite(one, '/configmaps', 'PATCH');
    return (asked) => corrects(asked) && !asked.path.includes('dryRun=');
  }
  const creates = isWrite(one, '/secrets', 'POST');
  // The upgrade that is rolled back writes its record first.
  return one.action === 'rollback' ? second(creates) : creates;
}

function objectWrite(one: Case): Fits {
  if (one.action === 'uninstall') return isWrite(one, '/configmaps', 'DELETE');
  return one.action === 'test' ? writesJob(one) : configOfAction(one);
}

/** The first object that a test writes is its hook. */
function writesJob(one: Case): Fits {
  const path = `/apis/batch/v1/namespaces/${nameOf(one)}/jobs`;
  return (asked) => ['POST', 'PATCH'].includes(asked.method) && asked.path.startsWith(path);
}

/** Only of a rollback there are writes of an earlier attempt to be let through: those before its own record. */
function configOfAction(one: Case): Fits {
  const created = one.action === 'rollback' ? second(isWrite(one, '/secrets', 'POST')) : () => true;
  const writes = isWrite(one, '/configmaps', 'POST', 'PATCH', 'PUT');
  let begun = false;
  return (asked) => {
    begun ||= created(asked);
    return begun && writes(asked);
  };
}

/** Helm writes its record before each hook, too: the write that closes it comes after the last of them was created. */
function closingWrite(one: Case, record: string): Fits {
  const hooks = Object.keys(hooksOf(one)).length;
  const creates = writesJob(one);
  const closes = isWrite(one, record, 'PUT');
  let created = 0;
  return (asked) => {
    if (creates(asked)) created += 1;
    return created >= hooks && closes(asked);
  };
}

/** Every one that fits but the first. */
function second(fits: Fits): Fits {
  let seen = 0;
  return (asked) => fits(asked) && (seen += 1) > 1;
}

/** The proof. Without it a test might end something that had not yet begun, or that was over. */
export function isThere(one: Case, seen: Seen): boolean {
  return Object.entries(placeOf(one)).every(([fact, wanted]) => seen[fact as keyof Seen] === wanted);
}

interface Course {
  /** Helm's newest record: before the action, while helm works on it, and when it has done. */
  readonly records: readonly [string | null, string, string];
  /** What the ConfigMap says before the action and after it. */
  readonly messages: readonly [string | null, string | null];
  /** The steps that do it, as Temporal names them. */
  readonly steps: readonly [string, string];
}

const COURSES: Readonly<Record<Action, Course>> = {
  install: {
    records: [null, 'pending-install', 'deployed'],
    messages: [null, 'declared'],
    steps: ['writeRelease', 'waitReady'],
  },
  upgrade: {
    records: ['deployed', 'pending-upgrade', 'deployed'],
    messages: ['before', 'declared'],
    steps: ['writeRelease', 'waitReady'],
  },
  rollback: {
    records: ['failed', 'pending-rollback', 'deployed'],
    messages: ['declared', 'before'],
    steps: ['rollbackRelease', 'waitReady'],
  },
  uninstall: {
    records: ['deployed', 'uninstalling', 'uninstalled'],
    messages: ['before', null],
    steps: ['uninstallRelease', 'waitGone'],
  },
  unlock: {
    records: ['pending-upgrade', 'pending-upgrade', 'failed'],
    messages: ['before', 'before'],
    steps: ['unlockRelease', ''],
  },
  test: {
    records: ['deployed', 'deployed', 'deployed'],
    messages: ['declared', 'declared'],
    steps: ['testRelease', ''],
  },
  correction: {
    records: ['deployed', 'deployed', 'deployed'],
    messages: ['tampered', 'before'],
    steps: ['correctDrift', ''],
  },
};

function placeOf({ action, moment }: Case): Partial<Seen> {
  const { records, messages, steps } = COURSES[action];
  const [before, during, after] = records;
  const [from, to] = messages;
  const [acts, waits] = steps;
  switch (moment) {
    case 'pull':
      return { held: 1, helms: 0, newest: before, step: acts };
    case 'record':
      return { held: 1, helms: isOneRequest({ action, moment }) ? 0 : 1, newest: before, message: from };
    case 'hook':
      return { helms: 1, newest: during, message: from, hook: 'Running' };
    case 'objects':
      return { held: 1, helms: 1, newest: during, message: from };
    case 'postHook':
      return { helms: 1, newest: during, message: to, hook: 'Running' };
    case 'closing':
      return { held: 1, helms: 1, newest: during, message: to };
    case 'report':
      return { helms: 0, newest: after, message: to, step: acts };
    case 'wait':
      // What is uninstalled and does not go is still there.
      return { helms: 0, newest: after, message: to ?? from, step: `${waits} between two looks` };
  }
}
