/** How many looks there were, from the histories: each is a marker of a local activity there. */
import type { Client } from '@temporalio/client';
import { connectClient, readTemporalSettings } from '../runtime/temporal.ts';
import { runsOf, type HistoryEvent } from '../stack/test-runs.ts';
import type { Scene } from './scene.ts';

/** Ask the Temporal server of a scene. */
export async function askTemporal<T>({ access }: Scene, ask: (client: Client) => Promise<T>): Promise<T> {
  const settings = readTemporalSettings({ HOLDFAST_TEMPORAL_ADDRESS: access.temporalAddress });
  const { client, connection } = connectClient(settings);
  try {
    return await ask(client);
  } finally {
    await connection.close();
  }
}

const LOOK = 'lookRelease';

export async function countLooks(
  client: Client,
  cluster: string,
  { from, to }: { readonly from: number; readonly to: number },
): Promise<number> {
  const runs = await runsOf(client, cluster);
  return runs
    .flatMap(({ history }) => history.events ?? [])
    .filter((event) => activityOf(event) === LOOK)
    .filter((event) => from <= timeOf(event) && timeOf(event) < to).length;
}

/** Attempts that began at `since`, in milliseconds since the epoch, or later. */
export async function countAttempts(client: Client, cluster: string, since: number): Promise<number> {
  const began = `StartTime >= '${new Date(since).toISOString()}'`;
  const query = `WorkflowType = 'attempt' AND WorkflowId STARTS_WITH '${cluster}/' AND ${began}`;
  return (await client.workflow.count(query)).count;
}

function timeOf({ eventTime }: HistoryEvent): number {
  return Number(eventTime?.seconds ?? 0) * 1000 + (eventTime?.nanos ?? 0) / 1e6;
}

/** The name of the local activity that a marker stands for; null for other events. */
function activityOf({ markerRecordedEventAttributes: marker }: HistoryEvent): string | null {
  const data = marker?.details?.['data']?.payloads?.[0]?.data;
  if (data == null) return null;
  // The SDK's own record of it, JSON.
  const { activity_type: name } = JSON.parse(Buffer.from(data).toString('utf8')) as { activity_type?: string };
  return name ?? null;
}
