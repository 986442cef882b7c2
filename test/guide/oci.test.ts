/**
 * docs/guide/oci.md, followed to the letter: its blocks in their order, by the real tools, against a real cluster, a real
 * worker and a real registry. Its hosts lead there through a proxy, by the variables that all of these tools know.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { readDocument } from '../docs/markdown.ts';
import { pushChart } from '../support/chart.ts';
import { serveAws, serveAzure, serveExchange, serveGoogle } from '../support/clouds.ts';
import { jwt } from '../support/credentials.ts';
import { temporaryFolder } from '../support/harness.ts';
import { eventually, isReady, startHoldfast, type Holdfast, type Live } from '../support/holdfast.ts';
import { serveProxy } from '../support/proxy.ts';
import { startRegistry, type OwnRegistry } from '../support/registry/real.ts';
import { createAuthority, serveTls } from '../support/tls.ts';
import { blocksOf, objectsIn, type Block } from './blocks.ts';
import { scriptsOfGitlab, stepsOfGithub, type Script } from './ci.ts';
import { EXTERNAL_SECRET_CRD, refresh } from './external-secret.ts';
import { NAMES, serveRegistries } from './registries.ts';
import { writeShims } from './shims.ts';

const blocks = blocksOf(readDocument('guide/oci.md'));
const isCi = (block: Block): boolean => block.language === 'yaml' && objectsIn(block).length === 0;
const repositories = blocks
  .filter(({ language }) => language === 'yaml')
  .flatMap(objectsIn)
  .filter(({ kind }) => kind === 'HelmRepository');

const PASSWORD = randomBytes(12).toString('hex');
/** As the file is, to the byte. */
const GAR_KEY = '{\n  "type": "service_account",\n  "project_id": "acme"\n}';
const ROBOT = 'robot$charts+holdfast';
const OWNER = { user: 'owner', password: 'owner' };

const [aws, google, entra] = [await serveAws(), await serveGoogle(), await serveAzure()];
const exchange = await serveExchange(entra);
exchange.tokens.push(jwt({ expiresAt: Date.now() + 3 * 3_600_000 }));
const lastOf = ({ tokens }: { readonly tokens: readonly string[] }): string => tokens.at(-1) ?? '';

const run = promisify(execFile);
const work = join(temporaryFolder(), 'work');
const home = join(temporaryFolder(), 'home');
let holdfast: Holdfast;
let registry: OwnRegistry;
let env: Readonly<Record<string, string>>;

function letIn(robotsPassword: string): void {
  const people = ['octocat', 'acme', 'acme+holdfast', 'gitlab+deploy-token-1', 'gitlab-ci-token', 'holdfast'];
  registry.letIn(
    OWNER,
    ...people.map((user) => ({ user, password: PASSWORD })),
    { user: ROBOT, password: robotsPassword },
    { user: 'AWS', password: lastOf(aws) },
    { user: 'oauth2accesstoken', password: lastOf(google) },
    { user: '_json_key', password: GAR_KEY },
    { user: '00000000-0000-0000-0000-000000000000', password: lastOf(exchange) },
  );
}

before(async () => {
  for (const folder of [work, home]) mkdirSync(folder);
  const [everybodys, own] = [createAuthority(), createAuthority()];
  const ca = join(home, 'ca.crt');
  writeFileSync(ca, everybodys.ca);
  writeFileSync(join(work, 'ca.crt'), own.ca);
  let way: Readonly<Record<string, string>> = {};
  holdfast = await startHoldfast(async (stack) => {
    registry = await startRegistry(stack, 'guide-registry', OWNER);
    letIn(PASSWORD);
    const owner = { username: OWNER.user, password: OWNER.password };
    const certificate = everybodys.issue('server', NAMES.map((name) => `DNS:${name}`).join(','));
    const front = await serveRegistries(
      certificate,
      { registry: registry.address, owner },
      new URL(exchange.origin).host,
    );
    const zot = await serveTls(registry.address, own.issue('zot', 'DNS:zot.example.com'));
    const elsewhere: Readonly<Record<string, string>> = {
      'zot.example.com:8443': zot,
      'distribution.example.com:5000': registry.address,
    };
    const { origin } = await serveProxy((host) => elsewhere[host] ?? front, null);
    way = { HTTPS_PROXY: origin, HTTP_PROXY: origin, NO_PROXY: '127.0.0.1,localhost', SSL_CERT_FILE: ca };
    return {
      ...way,
      NODE_EXTRA_CA_CERTS: ca,
      AWS_ENDPOINT_URL: aws.origin,
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_ACCESS_KEY_ID: 'AKIASTANDIN',
      AWS_SECRET_ACCESS_KEY: 'stand-in',
      GCE_METADATA_HOST: new URL(google.origin).host,
      AZURE_POD_IDENTITY_AUTHORITY_HOST: entra.origin,
      AZURE_TOKEN_CREDENTIALS: 'prod',
    };
  });
  const { stack } = holdfast;
  const shims = join(home, 'shims');
  writeShims(shims);
  env = {
    ...way,
    PATH: `${shims}:${stack.bin}:/usr/bin:/bin`,
    HOME: home,
    KUBECONFIG: stack.kubeconfig,
    PASSWORD,
    GUIDE_ECR: lastOf(aws),
    GUIDE_GAR: lastOf(google),
    GUIDE_GAR_KEY: GAR_KEY,
    GUIDE_ACR: lastOf(exchange),
  };
  await holdfast.apply(EXTERNAL_SECRET_CRD);
  await holdfast.kubectl(['wait', 'crd/externalsecrets.external-secrets.io', '--for=condition=Established']);
  for (const path of new Set(repositories.map(pathOf))) await push(path, '1.0.0');
});

const pathOf = ({ spec }: { readonly spec: Readonly<Record<string, unknown>> }): string =>
  new URL(String(spec['url'])).pathname.slice(1);

/** What whoever publishes charts there has done before. */
const push = (path: string, version: string): Promise<string> =>
  pushChart(
    { ...holdfast.stack, registry: registry.address, registryLogin: OWNER },
    { name: 'webservice', version },
    path,
  );

interface How {
  /** Of bash. */
  readonly flags?: readonly string[];
  readonly more?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

async function shell(text: string, { flags = ['-euo', 'pipefail'], more = {}, cwd = work }: How = {}): Promise<string> {
  // It would take its standard input for that of a remote shell, and read settings of the machine.
  const child = run('bash', ['--norc', ...flags, '-c', text], { cwd, env: { ...env, ...more } });
  // For `read`.
  child.child.stdin?.end(`${PASSWORD}\n`);
  const { stdout } = await child;
  return stdout;
}

const seen = (name: string, wanted: (live: Live) => boolean): Promise<Live> =>
  eventually(holdfast, ['helmrelease', 'apps', name], wanted);
const has = (version: string) => (live: Live) =>
  isReady(live) && live.status?.helmRelease?.['chart'] === `webservice-${version}`;

describe('docs/guide/oci.md', () => {
  it('has nothing in it but commands, manifests and two examples for CI', () => {
    assert.deepEqual([...new Set(blocks.map(({ language }) => language))].sort(), ['sh', 'yaml']);
    assert.deepEqual(
      blocks.filter(isCi).map(({ heading }) => heading),
      ['GitHub Actions', 'GitLab CI'],
    );
    assert.ok(blocks.length > 40, `only ${blocks.length} blocks were found`);
  });

  it('runs these by stand-ins, and no other command', (t: TestContext) => {
    const shims = writeShims(join(home, 'shims'));
    t.diagnostic(`stand-ins for: ${shims.join(', ')}`);
    assert.deepEqual(shims, ['aws', 'az', 'gcloud', 'docker']);
  });

  for (const block of blocks.filter((each) => !isCi(each))) {
    const { language, text, heading, line } = block;
    if (language === 'sh') {
      it(`line ${line}, ${heading}: ${text.split('\n', 1).join('')}`, async () => {
        await shell(text);
      });
    } else {
      const names = objectsIn(block).map(({ kind, metadata: { name } }) => `${kind} ${name}`);
      it(`line ${line}, ${heading}: ${names.join(', ')}`, async () => {
        await holdfast.kubectl(['apply', '--server-side', '--validate=strict', '-f', '-'], text);
      });
    }
  }
});

describe('what the guide has made', () => {
  it('runs: each of its releases, and one of every HelmRepository', async () => {
    const mine = repositories.map(({ metadata: { name } }) => ({
      apiVersion: 'helm-operator.ketches.cn/v1alpha1',
      kind: 'HelmRelease',
      metadata: { name: `from-${name}`, namespace: 'apps' },
      spec: { chart: { name: 'webservice', version: '1.0.0', repository: { name } } },
    }));
    assert.ok(mine.length >= 14);
    await holdfast.apply(...mine);
    for (const { metadata } of mine) await seen(metadata.name, has('1.0.0'));
    await seen('webservice', has('1.0.0'));
    await seen('webservice-by-url', has('1.0.0'));
    await seen('follows', has('1.1.0'));
    assert.deepEqual([aws.handedOut, google.handedOut, exchange.handedOut], [1, 1, 1]);
  });

  it('goes on with a password that another system has replaced, when the old one is revoked', async () => {
    const password = randomBytes(12).toString('hex');
    await refresh(holdfast, ['apps', 'harbor-login'], { 'registries/harbor': { username: ROBOT, password } });
    letIn(password);
    await push('charts', '1.2.0');
    await seen('follows', has('1.2.0'));
  });
});

describe('the examples for CI', () => {
  const example = (heading: string): unknown => {
    const block = blocks.find((each) => isCi(each) && each.heading === heading);
    return parse(block?.text ?? '');
  };
  const perform = async (scripts: readonly Script[], more: Readonly<Record<string, string>>): Promise<void> => {
    const cwd = join(temporaryFolder(), 'checkout');
    mkdirSync(cwd);
    await shell('helm create webservice', { cwd });
    for (const { flags, text, env: own } of scripts) {
      await shell(text, { flags, cwd, more: { ...more, ...own } });
    }
  };
  const published = async (reference: string): Promise<string> => shell(`helm show chart ${reference}`);

  it('of GitHub publish the version of the tag', async (t) => {
    const expressions = { 'github.token': PASSWORD, 'github.actor': 'octocat' };
    const { scripts, used } = stepsOfGithub(example('GitHub Actions'), expressions);
    t.diagnostic(`not run: ${used.join(', ')}`);
    assert.deepEqual(
      scripts.map(({ name }) => name),
      ['Log in', 'Package and push'],
    );
    await perform(scripts, { GITHUB_REF_NAME: 'v2.0.0', GITHUB_REPOSITORY_OWNER: 'Acme' });
    assert.match(await published('oci://ghcr.io/acme/charts/webservice --version 2.0.0'), /^appVersion: 2\.0\.0$/m);
  });

  it('of GitLab publish the version of the tag', async () => {
    await perform(scriptsOfGitlab(example('GitLab CI')), {
      CI_COMMIT_TAG: 'v2.1.0',
      CI_REGISTRY: 'registry.gitlab.com',
      CI_REGISTRY_IMAGE: 'registry.gitlab.com/acme/platform',
      CI_REGISTRY_USER: 'gitlab-ci-token',
      CI_REGISTRY_PASSWORD: PASSWORD,
    });
    const reference = 'oci://registry.gitlab.com/acme/platform/charts/webservice --version 2.1.0';
    assert.match(await published(reference), /^appVersion: 2\.1\.0$/m);
  });
});
