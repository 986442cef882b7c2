import { createHash } from 'node:crypto';
import { type Kube, KubeError } from '../ports.ts';
import type { ReportedEvent } from '../types.ts';
import { MANAGERS, PATCH } from './kinds.ts';
import { kubeTime } from './time.ts';

/** The object that an Event is about. */
export interface Involved {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

const MAX_MESSAGE = 1_024;
/** Names end in `.` and 16 hex digits, and may have 253 characters. */
const MAX_NAME = 230;

/** Write a core/v1 Event, or count it when the same was said of the same object before. */
export async function recordEvent(kube: Kube, involved: Involved, event: ReportedEvent): Promise<void> {
  const message = event.message.length > MAX_MESSAGE ? `${event.message.slice(0, MAX_MESSAGE - 1)}…` : event.message;
  const hash = createHash('sha256').update(JSON.stringify([involved.uid, event.type, event.reason, message]));
  const name = `${involved.name.slice(0, MAX_NAME)}.${hash.digest('hex').slice(0, 16)}`;
  const collection = `/api/v1/namespaces/${encodeURIComponent(involved.namespace)}/events`;
  const now = kubeTime();
  try {
    await kube.request({
      method: 'POST',
      path: collection,
      query: { fieldManager: MANAGERS.status },
      body: {
        apiVersion: 'v1',
        kind: 'Event',
        metadata: { name, namespace: involved.namespace },
        involvedObject: involved,
        type: event.type,
        reason: event.reason,
        message,
        source: { component: 'holdfast' },
        reportingComponent: 'holdfast',
        reportingInstance: 'holdfast',
        firstTimestamp: now,
        lastTimestamp: now,
        count: 1,
      },
    });
  } catch (error) {
    if (!(error instanceof KubeError)) throw error;
    if (error.status === 409) await countEvent(kube, `${collection}/${encodeURIComponent(name)}`, now);
    // A namespace that is going takes no Events any more, and loses those that it has.
    else if (error.status !== 404 && !error.message.includes('being terminated')) throw error;
  }
}

async function countEvent(kube: Kube, path: string, now: string): Promise<void> {
  try {
    const { count = 1 } = await kube.request<{ count?: number }>({ method: 'GET', path });
    await kube.request({
      ...PATCH.merge,
      path,
      query: { fieldManager: MANAGERS.status },
      body: { count: count + 1, lastTimestamp: now },
    });
  } catch (error) {
    // It expired between two requests: an Event less, nothing that anybody waits for.
    if (!(error instanceof KubeError) || error.status !== 404) throw error;
  }
}
