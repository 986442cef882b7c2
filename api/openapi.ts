import { STATUS_CODES } from 'node:http';
import { z } from 'zod';
import type { Route, RouteAnswer } from './route.ts';
import { components, ProblemBody } from './schema.ts';

type Json = Record<string, unknown>;

/** The OpenAPI 3.1 document of a list of routes. OpenAPI 3.1 schemas are JSON Schema 2020-12, which zod writes. */
export function describeApi(routes: readonly Route[], version: string): Json {
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: describeRoute(route) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Holdfast',
      version,
      summary: 'Look at Helm releases and Git repositories under the care of Holdfast, and tell them what to do.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    paths,
    components: {
      schemas: describeComponents(),
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: 'Made by `npm run token -- add NAME --role read|write`' },
      },
    },
  };
}

function describeRoute(route: Route): Json {
  const responses: Record<string, Json> = {};
  for (const [status, answer] of Object.entries(route.answers)) responses[status] = describeAnswer(answer);
  for (const status of problemsOf(route)) {
    if (status in responses) continue;
    responses[status] = {
      description: STATUS_CODES[status] ?? '',
      content: { 'application/problem+json': { schema: refTo(ProblemBody) } },
    };
  }
  const body = describeBody(route.body);
  const required = !route.body.safeParse(undefined).success;
  return {
    operationId: route.operation,
    summary: route.summary,
    security: route.access === 'open' ? [] : [{ token: [] }],
    parameters: describeParameters(route),
    ...(body === null ? {} : { requestBody: { required, content: { 'application/json': { schema: body } } } }),
    responses,
  };
}

function problemsOf({ access, method, path }: Route): readonly number[] {
  if (access === 'open') return [];
  const found = path.includes('{') ? [404] : [];
  return method === 'POST' ? [400, 401, 403, ...found, 413, 415, 422, 503] : [401, ...found, 422, 503];
}

function describeAnswer({ description, schema, mediaType = 'application/json' }: RouteAnswer): Json {
  return { description, content: { [mediaType]: { schema: schema === null ? { type: 'string' } : refTo(schema) } } };
}

function describeParameters({ params, query, method, access }: Route): readonly Json[] {
  const inPath = describeFields(params, 'path');
  const inQuery = describeFields(query, 'query');
  if (method === 'GET' || access === 'open') return [...inPath, ...inQuery];
  return [
    ...inPath,
    ...inQuery,
    {
      name: 'Idempotency-Key',
      in: 'header',
      required: false,
      description: 'The same key again changes nothing and answers the same',
      schema: { type: 'string', pattern: '^[\\w.:-]{1,128}$' },
    },
  ];
}

function describeFields(schema: z.ZodType, place: 'path' | 'query'): readonly Json[] {
  const { properties = {}, required = [] } = z.toJSONSchema(schema, { io: 'input' });
  return Object.entries(properties).map(([name, field]) => {
    const { description, ...rest } = typeof field === 'boolean' ? {} : field;
    return { name, in: place, required: required.includes(name), description: description ?? name, schema: rest };
  });
}

function describeBody(schema: z.ZodType): Json | null {
  const described = z.toJSONSchema(schema, { io: 'input' });
  return described.type === 'null' ? null : withoutDialect(described);
}

function describeComponents(): Json {
  const { schemas } = z.toJSONSchema(components, { uri: toRef });
  return Object.fromEntries(Object.entries(schemas).map(([id, schema]) => [id, withoutDialect(schema)]));
}

/** The document names dialect and place of its schemas itself. */
function withoutDialect(schema: object): Json {
  return Object.fromEntries(Object.entries(schema).filter(([key]) => key !== '$schema' && key !== '$id'));
}

const toRef = (id: string): string => `#/components/schemas/${id}`;

function refTo(schema: z.ZodType): Json {
  const known = components.get(schema);
  if (known === undefined) throw new TypeError('a schema of an answer has no name: add it to `components`');
  return { $ref: toRef(known.id) };
}
