import assert from 'node:assert/strict';
import { join } from 'node:path';
import { createGit } from '../../../activities/git/index.ts';
import type { Call } from '../../../activities/operation.ts';
import { KubeError, type Manifest } from '../../../activities/ports.ts';
import { pruneGitRepository } from '../../../activities/prune-git-repository.ts';
import { reportGitRepository } from '../../../activities/report-git-repository.ts';
import { syncGitRepository, type GitTools } from '../../../activities/sync-git-repository.ts';
import type { GitPass } from '../../../activities/types.ts';
import { startTestGit, type TestGit, type TestRepository } from '../../support/git-repository.ts';
import { temporaryFolder, uniqueName } from '../../support/harness.ts';
import { type TestCluster, useCluster } from '../kube/cluster.ts';

const HELM = 'helm-operator.ketches.cn/v1alpha1';
export const call: Call = { signal: new AbortController().signal, heartbeat: () => undefined, attempt: 1, since: 0 };

interface Stored extends Manifest {
  readonly spec: Readonly<Record<string, unknown>>;
  readonly data?: Readonly<Record<string, string>>;
  readonly status?: {
    readonly revision?: string;
    readonly inventory?: { readonly entries: readonly { id: string; prune?: boolean }[] };
    readonly conditions?: readonly { type: string; status: string; reason: string; message: string }[];
    readonly [field: string]: unknown;
  };
}

let cluster: TestCluster;
let server: TestGit;
let tools: GitTools;

/** Call it in `before`; scenes share one cluster and one Git server. */
export async function openStage(): Promise<TestCluster> {
  cluster = await useCluster();
  const folder = temporaryFolder();
  server = await startTestGit(folder, (name) => ({
    read: name.startsWith('private') ? 'login' : 'anyone',
    logins: [{ user: 'reader', password: 'canary-5up3r' }],
  }));
  const mirrors = createGit({ git: '/usr/bin/git', tmp: join(folder, 'tmp'), folder: join(folder, 'git') });
  tools = { kube: cluster.kube, mirrors, crossNamespace: 'allowed', defaultServiceAccount: null };
  return cluster;
}

/** Call it in `after`. */
export async function closeStage(): Promise<void> {
  await server.close();
  await cluster.release();
}

/** Another bare repository on the Git server of the stage. */
export const newRepository = (name: string): Promise<TestRepository> => server.create(name);

/** One repository, one GitRepository, and what a worker would do with them. */
export class Scene {
  readonly repository: TestRepository;
  readonly namespace: string;
  readonly name: string;
  constructor(repository: TestRepository, namespace: string, name: string) {
    this.repository = repository;
    this.namespace = namespace;
    this.name = name;
  }

  get ref(): { namespace: string; name: string } {
    return { namespace: this.namespace, name: this.name };
  }

  declare(spec: object = {}, metadata: object = {}): Promise<Stored> {
    return cluster.apply<Stored>({
      apiVersion: 'holdfast.dev/v1alpha1',
      kind: 'GitRepository',
      metadata: { ...this.ref, ...metadata },
      spec: { url: this.repository.url, ...spec },
    });
  }

  async sync(defaultServiceAccount: string | null = null): Promise<GitPass> {
    const pass = await syncGitRepository({ ...tools, defaultServiceAccount }, { cluster: 'test', ref: this.ref }, call);
    assert.ok(pass !== null);
    return pass;
  }

  syncOrNull(ref = this.ref): Promise<GitPass | null> {
    return syncGitRepository(tools, { cluster: 'test', ref }, call);
  }

  async prune(uid?: string): Promise<readonly string[]> {
    const input = { cluster: 'test', ref: this.ref, uid: uid ?? (await this.self()).metadata.uid ?? '' };
    return (await pruneGitRepository(tools, input, call)).pruned;
  }

  async report(pass: GitPass, pruned: readonly string[] = []): Promise<Stored> {
    const input = { ref: this.ref, pass, failure: null, pruned, workflowId: 'w', runId: 'r', askedBy: null };
    await reportGitRepository(cluster.kube, input);
    return this.self();
  }

  self(): Promise<Stored> {
    return read('holdfast.dev/v1alpha1', 'GitRepository', this.ref);
  }

  async inventory(): Promise<readonly string[]> {
    return ((await this.self()).status?.inventory?.entries ?? []).map(({ id, prune }) =>
      prune === true ? `-${id}` : id,
    );
  }

  config(name: string): Promise<Stored | null> {
    return find('v1', 'ConfigMap', { namespace: this.namespace, name });
  }
}

export async function scene(prefix = 'repo'): Promise<Scene> {
  const name = uniqueName(prefix);
  return new Scene(await server.create(name), await cluster.addNamespace(), name);
}

export async function find(
  apiVersion: string,
  kind: string,
  ref: { namespace?: string; name: string },
): Promise<Stored | null> {
  try {
    return await read(apiVersion, kind, ref);
  } catch (error) {
    if (error instanceof KubeError && error.status === 404) return null;
    throw error;
  }
}

export async function read(
  apiVersion: string,
  kind: string,
  ref: { namespace?: string; name: string },
): Promise<Stored> {
  const resource = await cluster.kube.resource(apiVersion, kind);
  assert.ok(resource !== null);
  return cluster.kube.request<Stored>({ method: 'GET', path: resource.path(ref) });
}

export const config = (
  name: string,
  data: Readonly<Record<string, string>> = { a: '1' },
  metadata: object = {},
): string => JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, ...metadata }, data });
export const release = (name: string, spec: object = {}): string =>
  JSON.stringify({
    apiVersion: HELM,
    kind: 'HelmRelease',
    metadata: { name },
    spec: { chart: { name: 'app', version: '1.0.0', ociRepository: 'oci://127.0.0.1/app' }, ...spec },
  });
