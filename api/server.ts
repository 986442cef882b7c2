import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Logger } from '../runtime/logger.ts';
import type { Metrics } from './metrics.ts';
import { describeApi } from './openapi.ts';
import { BODY_LIMIT_BYTES, Problem, toProblem, toProblemBody } from './problems.ts';
import { serveRoute, type Route } from './route.ts';
import type { TokenStore } from './tokens.ts';

export interface ServerOptions {
  readonly routes: readonly Route[];
  readonly tokens: TokenStore;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly version: string;
  readonly tls: { readonly cert: Buffer; readonly key: Buffer } | null;
}

/** The HTTP server, not yet listening. */
export function createServer({ routes, tokens, metrics, logger, version, tls }: ServerOptions): FastifyInstance {
  const app: FastifyInstance = Fastify({
    bodyLimit: BODY_LIMIT_BYTES,
    // A Kubernetes name has up to 253 characters.
    routerOptions: { maxParamLength: 300 },
    // Slow senders are cut off; a waiting answer is ours and takes at most a minute.
    requestTimeout: 10_000,
    // What happens before a request reaches a route.
    frameworkErrors: (error, request, reply) => {
      answerProblem(error, request, reply);
    },
    ...(tls === null ? {} : { https: tls }),
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, text: string, done) => {
    const body = parseBody(text);
    if (body instanceof Problem) done(body);
    else done(null, body);
  });
  app.setErrorHandler((error, request, reply) => {
    const problem = answerProblem(error, request, reply);
    if (problem.status >= 500) logger.error({ err: problem, ...toFields(request) }, 'request failed');
  });
  app.setNotFoundHandler((request, reply) => {
    answerProblem(new Problem('route-not-found', 'see /openapi.json for all addresses'), request, reply);
  });
  app.addHook('onResponse', (request, reply, done) => {
    const { route } = toFields(request);
    const ms = Math.round(reply.elapsedTime);
    metrics.countRequest({ method: request.method, route, status: reply.statusCode, ms });
    logger.debug({ ...toFields(request), status: reply.statusCode, ms }, 'request answered');
    done();
  });
  for (const route of routes) serveRoute(app, route, tokens);
  const openapi = describeApi(routes, version);
  app.get('/openapi.json', () => openapi);
  return app;
}

/** The route, not the address: an address may hold anything that somebody typed. */
function toFields(request: FastifyRequest): { method: string; route: string } {
  return { method: request.method, route: request.routeOptions.url ?? '(none)' };
}

function answerProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): Problem {
  const problem = toProblem(error);
  const [path = ''] = request.url.split('?');
  // Fastify closes the connection on who sends too much, and the client, still sending, never reads why. Kept open, Node
  // reads the rest and forgets it, for as long as a request may take.
  if (problem.status === 413) reply.removeHeader('connection');
  void reply
    .code(problem.status)
    .headers({ 'cache-control': 'no-store', ...problem.headers })
    .type('application/problem+json')
    // As bytes: to text Fastify adds a charset, which this media type does not have.
    .send(Buffer.from(JSON.stringify(toProblemBody(problem, path.slice(0, 1_000)))));
  return problem;
}

/** An empty body says nothing, whatever its content type. A problem is returned, for Fastify's callback. */
function parseBody(text: string): unknown {
  if (text.trim() === '') return undefined;
  try {
    return JSON.parse(text);
  } catch (cause) {
    return new Problem('malformed-request', 'the body is not JSON', { cause });
  }
}
