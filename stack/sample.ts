/** The sample: a Git repository of our own, and the objects that point at it. */
import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Ports } from './ports.ts';
import type { Login } from './services/registry.ts';
import { bareEnvironment } from './services/service.ts';
import { CHECKOUT, type State } from './state.ts';

export const SAMPLE_NAMESPACE = 'sample';
const CONTENT = join(CHECKOUT, 'examples', 'sample');
const HOOK = join(CHECKOUT, 'stack', 'services', 'post-receive.ts');
const REGISTRY_URL = /oci:\/\/127\.0\.0\.1:\d+\/charts/;

const run = promisify(execFile);

export function gitRoot(state: State): string {
  return join(state.data, 'git');
}

/** Makes the repository at the first start; later only follows the registry to another port. */
export async function prepareSampleRepository(state: State, ports: Ports): Promise<void> {
  const bare = join(gitRoot(state), 'sample.git');
  const registryUrl = `oci://127.0.0.1:${ports.registry}/charts`;
  mkdirSync(gitRoot(state), { recursive: true, mode: 0o700 });
  const fresh = !existsSync(join(bare, 'HEAD'));
  if (fresh) await git(state, gitRoot(state), ['init', '--quiet', '--bare', '--initial-branch=main', bare]);
  else rmSync(join(bare, 'hooks', 'post-receive'), { force: true });
  await commitContent(state, bare, { fresh, registryUrl });
  writeHook(state, bare, ports);
}

async function commitContent(
  state: State,
  bare: string,
  { fresh, registryUrl }: { fresh: boolean; registryUrl: string },
): Promise<void> {
  const work = mkdtempSync(join(state.home, 'sample-'));
  try {
    await git(state, work, ['clone', '--quiet', bare, work]);
    if (fresh) cpSync(CONTENT, work, { recursive: true });
    const file = join(work, 'helmrepository.yaml');
    // The sample is the user's from the first start on: what is not there any more is not put back.
    const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
    const moved = text.replace(REGISTRY_URL, registryUrl);
    if (moved !== text) writeFileSync(file, moved);
    if (!fresh && moved === text) return;
    await git(state, work, ['add', '--all']);
    await git(state, work, [
      'commit',
      '--quiet',
      '-m',
      fresh ? 'Run a catalog, a cart and a frontend' : 'Follow the registry to its port',
    ]);
    await git(state, work, ['push', '--quiet', 'origin', 'HEAD:main']);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Written at each start: ports, checkout and Node may be others by then. */
function writeHook(state: State, bare: string, ports: Ports): void {
  const settings = join(state.root, 'hook.json');
  const url = `http://127.0.0.1:${ports.api}/v1/gitrepositories/${SAMPLE_NAMESPACE}/sample/sync`;
  writeFileSync(settings, `${JSON.stringify({ url, tokenFile: state.apiToken })}\n`, { mode: 0o600 });
  const script = `#!/bin/sh\nexec ${[process.execPath, HOOK, settings].map(quote).join(' ')}\n`;
  mkdirSync(join(bare, 'hooks'), { recursive: true });
  writeFileSync(join(bare, 'hooks', 'post-receive'), script, { mode: 0o700 });
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

async function git(state: State, cwd: string, args: readonly string[]): Promise<void> {
  const who = { NAME: 'Holdfast', EMAIL: 'holdfast@localhost' };
  const env = {
    ...bareEnvironment(state.home),
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_AUTHOR_NAME: who.NAME,
    GIT_AUTHOR_EMAIL: who.EMAIL,
    GIT_COMMITTER_NAME: who.NAME,
    GIT_COMMITTER_EMAIL: who.EMAIL,
  };
  await run('git', args, { cwd, env });
}

/** URL for pushing, with its login inside: for files that only their owner may read. */
export function sampleCloneUrl(ports: Ports, { user, password }: Login): string {
  return `http://${user}:${password}@127.0.0.1:${ports.git}/sample.git`;
}

/** What `kubectl apply` is given: the namespace, the registry's login and the GitRepository. */
export function sampleObjects(ports: Ports, login: Login): unknown {
  const namespace = SAMPLE_NAMESPACE;
  return {
    apiVersion: 'v1',
    kind: 'List',
    items: [
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
      {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 'registry-login', namespace },
        type: 'Opaque',
        stringData: { username: login.user, password: login.password },
      },
      {
        apiVersion: 'holdfast.dev/v1alpha1',
        kind: 'GitRepository',
        metadata: { name: 'sample', namespace },
        spec: { url: `http://127.0.0.1:${ports.git}/sample.git`, ref: { branch: 'main' }, interval: '1m' },
      },
    ],
  };
}
