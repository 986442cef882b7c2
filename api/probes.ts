import type { Entities } from './entities.ts';
import type { Metrics } from './metrics.ts';
import { defineRoute, type Route } from './route.ts';
import { Health, NoBody, NoParams, NoQuery, Readiness } from './schema.ts';

/** Open to everybody, so asked of Temporal at most once in this time. */
const READY_FOR_MS = 1_000;

const COMMON = { method: 'GET', params: NoParams, query: NoQuery, body: NoBody } as const;

/** What machines ask: is the process there, can it work, and how is it doing. */
export function createProbes(entities: Entities, metrics: Metrics): readonly Route[] {
  let last: { readonly at: number; readonly answer: ReturnType<Entities['probe']> } | null = null;
  const probe = (): ReturnType<Entities['probe']> => {
    if (last === null || Date.now() - last.at > READY_FOR_MS) last = { at: Date.now(), answer: entities.probe() };
    return last.answer;
  };
  return [
    defineRoute({
      ...COMMON,
      path: '/healthz',
      operation: 'health',
      summary: 'The process answers',
      access: 'open',
      answers: { 200: { description: 'It does', schema: Health } },
      handle: () => ({ status: 200, body: { status: 'ok' } }),
    }),
    defineRoute({
      ...COMMON,
      path: '/readyz',
      operation: 'readiness',
      summary: 'Temporal answers, and a worker asks it for work',
      access: 'open',
      answers: {
        200: { description: 'Both', schema: Readiness },
        503: { description: 'One of them does not', schema: Readiness },
      },
      handle: async () => {
        const { temporal, worker } = await probe();
        const ready = temporal && worker;
        return { status: ready ? 200 : 503, body: { status: ready ? 'ready' : 'not ready', temporal, worker } };
      },
    }),
    defineRoute({
      ...COMMON,
      path: '/metrics',
      operation: 'metrics',
      summary: 'Requests, calls to Temporal, releases by phase and the process, for Prometheus',
      access: 'read',
      answers: { 200: { description: 'Metrics', schema: null, mediaType: 'text/plain' } },
      handle: async () => ({
        status: 200,
        body: await metrics.render(),
        headers: { 'content-type': metrics.contentType },
      }),
    }),
  ];
}
