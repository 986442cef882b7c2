import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Connection } from '@temporalio/client';
import { createEntities } from '../../api/entities.ts';
import { createLinks } from '../../api/links.ts';
import { createMetrics } from '../../api/metrics.ts';
import { describeApi } from '../../api/openapi.ts';
import { createProbes } from '../../api/probes.ts';
import { Requests } from '../../api/requests.ts';
import { createRoutes } from '../../api/routes.ts';
import { toMs } from '../../api/schema.ts';

// Nothing is called: the connection is never made.
const metrics = createMetrics(() => Promise.resolve(null));
const entities = createEntities({
  connection: Connection.lazy(),
  namespace: 'default',
  cluster: 'local',
  observe: metrics.observe,
});
const requests = new Requests(entities, () => undefined);
const routes = [
  ...createRoutes({ entities, requests, links: createLinks(null, 'default') }),
  ...createProbes(entities, metrics),
];
// as a reader of the document gets it
const document = JSON.parse(JSON.stringify(describeApi(routes, '1.2.3'))) as Document;

interface Operation {
  readonly operationId: string;
  readonly security: readonly unknown[];
  readonly parameters: readonly { readonly name: string; readonly in: string; readonly required: boolean }[];
  readonly requestBody?: { readonly required: boolean };
  readonly responses: Readonly<Record<string, { readonly content: Readonly<Record<string, unknown>> }>>;
}
interface Document {
  readonly openapi: string;
  readonly info: { readonly version: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
}

describe('the OpenAPI document', () => {
  it('has every operation, with its token and answers', () => {
    const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => [
        `${method.toUpperCase()} ${path}`,
        operation.security.length === 0 ? 'open' : 'token',
        Object.keys(operation.responses).join(' '),
      ]),
    );
    assert.equal(document.openapi, '3.1.0');
    assert.equal(document.info.version, '1.2.3');
    const read = '200 401 422 503';
    const readOne = '200 401 404 422 503';
    const act = '200 202 400 401 403 404 413 415 422 503';
    assert.deepEqual(operations, [
      ['GET /v1/helmreleases', 'token', read],
      ['GET /v1/helmreleases/{namespace}/{name}', 'token', readOne],
      ['POST /v1/helmreleases/{namespace}/{name}/sync', 'token', act],
      ['POST /v1/helmreleases/{namespace}/{name}/suspend', 'token', act],
      ['POST /v1/helmreleases/{namespace}/{name}/resume', 'token', act],
      ['POST /v1/helmreleases/{namespace}/{name}/rollback', 'token', act],
      ['POST /v1/helmreleases/{namespace}/{name}/abandon', 'token', act],
      ['GET /v1/helmreleases/{namespace}/{name}/requests/{request}', 'token', readOne],
      ['GET /v1/gitrepositories', 'token', read],
      ['POST /v1/gitrepositories/{namespace}/{name}/sync', 'token', act],
      ['GET /v1/gitrepositories/{namespace}/{name}/requests/{request}', 'token', readOne],
      ['GET /healthz', 'open', '200'],
      ['GET /readyz', 'open', '200 503'],
      ['GET /metrics', 'token', read],
    ]);
  });

  it('names every operation once', () => {
    const ids = Object.values(document.paths).flatMap((methods) => Object.values(methods).map((op) => op.operationId));
    assert.equal(new Set(ids).size, ids.length);
  });

  it('declares every parameter of a path, as required', () => {
    for (const [path, methods] of Object.entries(document.paths)) {
      const wanted = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      for (const { parameters } of Object.values(methods)) {
        const declared = parameters.filter((parameter) => parameter.in === 'path');
        assert.deepEqual(
          declared.map(({ name }) => name),
          wanted,
          path,
        );
        assert.ok(declared.every(({ required }) => required));
      }
    }
  });

  it('shows the options of a sync, its body and its key', () => {
    const sync = document.paths['/v1/helmreleases/{namespace}/{name}/sync']?.['post'];
    assert.deepEqual(
      sync?.parameters.map(({ name, in: place, required }) => `${place} ${name}${required ? '' : '?'}`),
      [
        'path namespace',
        'path name',
        'query reset?',
        'query force?',
        'query wait?',
        'query timeout?',
        'query source?',
        'header Idempotency-Key?',
      ],
    );
    assert.match(JSON.stringify(sync), /"reason"/);
  });

  it('tells which bodies may be left out', () => {
    const required = (what: string): boolean | undefined =>
      document.paths[`/v1/helmreleases/{namespace}/{name}/${what}`]?.['post']?.requestBody?.required;
    const acts = ['sync', 'suspend', 'resume', 'rollback', 'abandon'];
    assert.deepEqual(acts.map(required), [false, false, false, true, true]);
  });

  it('refers only to schemas that it has, and to all of them', () => {
    const text = JSON.stringify(document);
    const referred = new Set([...text.matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name));
    assert.deepEqual([...referred].sort(), Object.keys(document.components.schemas).sort());
    assert.doesNotMatch(text, /"\$(schema|id|defs)"/);
  });
});

describe('toMs', () => {
  for (const [text, ms] of [
    ['500ms', 500],
    ['30s', 30_000],
    ['1m', 60_000],
    ['0s', 0],
  ] as const) {
    it(`${text} is ${ms}`, () => {
      assert.equal(toMs(text), ms);
    });
  }
});
