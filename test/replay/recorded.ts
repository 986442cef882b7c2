import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import type { Run } from '../support/histories.ts';

/** A history as it is kept: enough to replay it. */
export interface Recorded {
  readonly type: string;
  readonly workflowId: string;
  /** The JSON form of `temporal.api.history.v1.History`. */
  readonly history: { readonly events: readonly object[] };
}

export const HISTORIES = fileURLToPath(new URL('histories', import.meta.url));

/** All recorded histories, by file name. */
export function readRecorded(folder = HISTORIES): ReadonlyMap<string, Recorded> {
  const names = readdirSync(folder).filter((name) => name.endsWith('.json'));
  return new Map(
    // Written by `record`, which writes nothing else.
    names.sort().map((name) => [name, JSON.parse(readFileSync(join(folder, name), 'utf8')) as Recorded]),
  );
}

/** Keeps a history under a name. One that is there already is never rewritten: releases run that have such a history. */
export function record(name: string, { type, workflowId, history }: Run, folder = HISTORIES): void {
  // What `historyToJSON` answers is the JSON of an object with events.
  const kept = { type, workflowId, history: withoutMachine(JSON.parse(historyToJSON(history))) as Recorded['history'] };
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(kept)}\n`, { flag: 'wx' });
}

/** Without the names of the machine and of its folders, which no replay looks at. */
function withoutMachine(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutMachine);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, MACHINE.has(key) ? '' : withoutMachine(inner)]),
  );
}

const MACHINE = new Set(['identity', 'stackTrace']);
