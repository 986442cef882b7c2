/**
 * Releases from registries of clouds, by the identity of the worker. The names of the registries lead, through a proxy
 * and TLS, to the real registry, which takes the tokens that the stand-ins of the clouds hand out.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { holds } from '../support/canary.ts';
import { pushChart } from '../support/chart.ts';
import { serveAws, serveAzure, serveExchange, serveGoogle } from '../support/clouds.ts';
import { jwt } from '../support/credentials.ts';
import { temporaryFolder } from '../support/harness.ts';
import { runsOf } from '../support/histories.ts';
import { conditionOf, eventually, isReady, startHoldfast, type Holdfast, type Live } from '../support/holdfast.ts';
import { serveProxy } from '../support/proxy.ts';
import { startRegistry, type OwnRegistry } from '../support/registry/real.ts';
import { createAuthority, serveTls } from '../support/tls.ts';

const ECR = '123456789012.dkr.ecr.eu-central-1.amazonaws.com';
const GAR = 'europe-west3-docker.pkg.dev';
const ACR = 'acme.azurecr.io';
const NAMESPACE = 'clouds';
const OURS = 'helm-operator.ketches.cn/v1alpha1';
const IN_HOURS = Date.now() + 3 * 3_600_000;

const canary = (what: string): string => `canary-${what}-${randomBytes(8).toString('hex')}`;
const pusher = { user: 'pusher', password: 'pusher' };

// Not in a hook: they would be closed at its end.
const [aws, google, entra] = [await serveAws(), await serveGoogle(), await serveAzure()];
const exchange = await serveExchange(entra, () => registry.address);
let holdfast: Holdfast;
let registry: OwnRegistry;
let log: string;

/** Those who are let in: the last token that each cloud has handed out. */
function letInTheLast(): void {
  registry.letIn(
    pusher,
    { user: 'AWS', password: aws.tokens.at(-1) ?? '' },
    { user: 'oauth2accesstoken', password: google.tokens.at(-1) ?? '' },
    { user: '00000000-0000-0000-0000-000000000000', password: exchange.tokens.at(-1) ?? '' },
  );
}

before(async () => {
  const folder = temporaryFolder();
  log = join(folder, 'worker.log');
  process.env['HOLDFAST_TEST_WORKER_LOG'] = log;
  const authority = createAuthority();
  const ca = join(folder, 'ca.crt');
  writeFileSync(ca, authority.ca);
  for (const cloud of [aws, google, entra]) cloud.tokens.push(canary('token'));
  holdfast = await startHoldfast(async (stack) => {
    registry = await startRegistry(stack, 'cloud-registry', pusher);
    exchange.tokens.push(jwt({ expiresAt: IN_HOURS }));
    letInTheLast();
    return {
      HOLDFAST_LOG_LEVEL: 'debug',
      NODE_EXTRA_CA_CERTS: ca,
      SSL_CERT_FILE: ca,
      AWS_ENDPOINT_URL: aws.origin,
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_ACCESS_KEY_ID: 'AKIASTANDIN',
      AWS_SECRET_ACCESS_KEY: canary('key'),
      GCE_METADATA_HOST: new URL(google.origin).host,
      AZURE_POD_IDENTITY_AUTHORITY_HOST: entra.origin,
      AZURE_TOKEN_CREDENTIALS: 'prod',
    };
  });
  const certificate = authority.issue('server', [ECR, GAR, ACR].map((name) => `DNS:${name}`).join(','));
  const front = await serveTls(registry.address, certificate);
  const azureFront = await serveTls(new URL(exchange.origin).host, certificate);
  const proxy = await serveProxy((host) => (host === `${ACR}:443` ? azureFront : front), null);
  await push('1.0.0');
  await holdfast.apply(
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } },
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'proxy', namespace: NAMESPACE },
      stringData: { address: proxy.origin },
    },
    ...[repository('aws', ECR), repository('gcp', GAR), repository('azure', ACR)],
  );
});

const push = (version: string): Promise<string> =>
  pushChart(
    { ...holdfast.stack, registry: registry.address, registryLogin: pusher },
    { name: 'app', version },
    'team/charts',
  );

function repository(provider: string, host: string, name = provider): object {
  return {
    apiVersion: OURS,
    kind: 'HelmRepository',
    metadata: { name, namespace: NAMESPACE },
    spec: { type: 'oci', url: `oci://${host}/team/charts`, provider, proxySecretRef: { name: 'proxy' } },
  };
}

function release(name: string, cloud: string, version = '1.0.0'): object {
  const chart = { name: 'app', version, repository: { name: cloud } };
  return { apiVersion: OURS, kind: 'HelmRelease', metadata: { name, namespace: NAMESPACE }, spec: { chart } };
}

const seen = (kind: string, name: string, wanted: (live: Live) => boolean): Promise<Live> =>
  eventually(holdfast, [kind, NAMESPACE, name], wanted);
const has = (version: string) => (live: Live) =>
  isReady(live) && live.status?.helmRelease?.['chart'] === `app-${version}`;

describe('the identity of the worker', () => {
  it('lets ten releases in at ECR by one request for a token', async () => {
    const names = Array.from({ length: 10 }, (_, n) => `ecr-${n}`);
    await holdfast.apply(...names.map((name) => release(name, 'aws')));
    await Promise.all(names.map((name) => seen('helmrelease', name, has('1.0.0'))));
    await seen('helmrepository', 'aws', isReady);
    assert.equal(aws.handedOut, 1);
  });

  it('lets them in by another token when the one at hand is not taken any more', async () => {
    aws.tokens.push(canary('token'));
    letInTheLast();
    await push('1.1.0');
    await holdfast.apply(release('ecr-0', 'aws', '1.1.0'));
    await seen('helmrelease', 'ecr-0', has('1.1.0'));
    assert.equal(aws.handedOut, 2);
  });

  it('lets releases in at registries of Google and Azure', async () => {
    await holdfast.apply(release('gar', 'gcp'), release('acr', 'azure'));
    for (const name of ['gar', 'acr']) await seen('helmrelease', name, has('1.0.0'));
    for (const name of ['gcp', 'azure']) await seen('helmrepository', name, isReady);
    assert.deepEqual([google.handedOut, exchange.handedOut], [1, 1]);
    const { status } = await holdfast.get('helmrepository', NAMESPACE, 'azure');
    const { expiresAt } = status?.['credentials'] as { expiresAt: string }; // of our CRD
    assert.equal(Math.floor(Date.parse(expiresAt) / 1000), Math.floor(IN_HOURS / 1000));
  });

  it('goes to no registry of another cloud: what has such a provider stalls', async () => {
    const handedOut = google.handedOut;
    await holdfast.apply(repository('gcp', ECR, 'mistaken'), release('mistaken', 'mistaken'));
    const message = `HelmRepository ${NAMESPACE}/mistaken has provider gcp, whose tokens are not for registry ${ECR}: its registries are LOCATION-docker.pkg.dev and gcr.io; for this one write provider: aws`;
    for (const kind of ['helmrepository', 'helmrelease']) {
      const live = await seen(kind, 'mistaken', (now) => conditionOf(now, 'Stalled').status === 'True');
      const { reason, message: said } = conditionOf(live, 'Ready');
      assert.deepEqual([kind, reason, said], [kind, 'SpecInvalid', message]);
    }
    assert.equal(google.handedOut, handedOut);
  });

  it('shows its tokens nowhere', async () => {
    const objects = await holdfast.kubectl(['get', 'hr,hrepo,events', '-A', '-o', 'json']);
    const runs = await runsOf(holdfast.client, holdfast.cluster);
    const histories = runs.map(({ history }) => historyToJSON(history)).join('\n');
    const searched = { log: readFileSync(log, 'utf8'), objects, histories };
    const tokens = [aws, google, entra, exchange].flatMap(({ tokens: own }) => own.slice(1));
    assert.equal(tokens.length, 5);
    for (const [where, text] of Object.entries(searched)) {
      assert.ok(holds(text, NAMESPACE), `the search of ${where} finds what is there`);
      for (const token of tokens) assert.ok(!holds(text, token), `${token} is in ${where}`);
    }
  });
});
