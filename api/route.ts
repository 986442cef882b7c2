import { randomUUID } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { Problem, type WrongField } from './problems.ts';
import { IdempotencyKey } from './schema.ts';
import type { Caller, Role, TokenStore } from './tokens.ts';

export interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A checked request. */
export interface Asked<P, Q, B> {
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  /** Who asked; null where no token is needed. */
  readonly caller: Caller | null;
  /** The `Idempotency-Key`, or a fresh id. */
  readonly id: string;
}

export interface RouteAnswer {
  readonly description: string;
  /** Null: not JSON; described by `mediaType` alone. */
  readonly schema: z.ZodType | null;
  readonly mediaType?: string;
}

/** One operation: what Fastify serves and what the OpenAPI document says, from the same schemas. */
export interface Route<P = unknown, Q = unknown, B = unknown> {
  readonly method: 'GET' | 'POST';
  /** As OpenAPI writes it: `/v1/things/{name}`. */
  readonly path: string;
  readonly operation: string;
  readonly summary: string;
  readonly access: 'open' | Role;
  readonly params: z.ZodType<P>;
  readonly query: z.ZodType<Q>;
  readonly body: z.ZodType<B>;
  readonly answers: Readonly<Record<number, RouteAnswer>>;
  handle(asked: Asked<P, Q, B>): Promise<Answer> | Answer;
}

/** Check a route's own types, and forget them, so that routes of all shapes stand in one list. */
export function defineRoute<P, Q, B>(route: Route<P, Q, B>): Route {
  const { params, query, body } = route;
  return {
    ...route,
    // The schemas have proven the three parts before a handler is called (`readRequest`).
    handle: (asked) =>
      route.handle({
        ...asked,
        params: params.parse(asked.params),
        query: query.parse(asked.query),
        body: body.parse(asked.body),
      }),
  };
}

/** Serve a route: token, then role, then schemas, then the handler. */
export function serveRoute(app: FastifyInstance, route: Route, tokens: TokenStore): void {
  const callers = new WeakMap<FastifyRequest, Caller>();
  app.route({
    method: route.method,
    url: route.path.replaceAll(/\{(\w+)\}/g, ':$1'),
    onRequest: async (request) => {
      if (route.access === 'open') return;
      callers.set(request, await authorize(request, route.access, tokens));
    },
    handler: async (request, reply) => {
      const caller = callers.get(request) ?? null;
      const answer = await route.handle({ ...readRequest(route, request), caller });
      return reply
        .code(answer.status)
        .headers({ 'cache-control': 'no-store', ...answer.headers })
        .send(answer.body);
    },
  });
}

const CHALLENGE = 'Bearer realm="holdfast"';

async function authorize(request: FastifyRequest, needed: Role, tokens: TokenStore): Promise<Caller> {
  const { authorization } = request.headers;
  if (authorization === undefined) {
    throw new Problem('token-required', 'send authorization: Bearer TOKEN; `npm run token` makes tokens', {
      headers: { 'www-authenticate': CHALLENGE },
    });
  }
  const token = /^Bearer +([\w-]{1,200})$/i.exec(authorization)?.[1];
  const caller = token === undefined ? null : await tokens.find(token);
  if (caller === null) {
    throw new Problem('token-rejected', 'the token is not, or no longer, among those of this API', {
      headers: { 'www-authenticate': `${CHALLENGE}, error="invalid_token"` },
    });
  }
  if (needed === 'write' && caller.role !== 'write') {
    throw new Problem('role-missing', `the token "${caller.name}" may only read: this needs one with the role write`, {
      headers: { 'www-authenticate': `${CHALLENGE}, error="insufficient_scope"` },
    });
  }
  return caller;
}

/** Check everything that a request says; all that is wrong is answered at once. */
function readRequest(route: Route, request: FastifyRequest): Omit<Asked<unknown, unknown, unknown>, 'caller'> {
  const errors: WrongField[] = [];
  const check = (place: string, schema: z.ZodType, value: unknown): void => {
    const { error } = schema.safeParse(value);
    for (const { path, message } of error?.issues ?? []) {
      errors.push({ field: [place, ...path.map(String)].join('.'), message });
    }
  };
  // Fastify has no body where none was sent; JSON has no `undefined`.
  const body = request.method === 'GET' ? null : (request.body ?? undefined);
  check('path', route.params, request.params);
  check('query', route.query, request.query);
  check('body', route.body, body);
  const key = request.headers['idempotency-key'];
  if (key !== undefined) check('header.idempotency-key', IdempotencyKey, key);
  if (errors.length > 0) {
    const detail = errors.map(({ field, message }) => `${field}: ${message}`).join('; ');
    throw new Problem('request-invalid', detail, { errors });
  }
  return { params: request.params, query: request.query, body, id: typeof key === 'string' ? key : randomUUID() };
}
