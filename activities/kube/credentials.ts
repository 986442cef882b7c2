import type { ObjectRef } from '../../workflows/core/ids.ts';
import { failure } from '../failures.ts';
import { matchRepository } from '../match-repository.ts';
import type { Kube } from '../ports.ts';
import type { HelmReleaseSpec } from './compile-spec.ts';
import { DOCKER_CONFIG, readDockerConfig } from './docker-config.ts';
import type { CrossNamespace } from './helm-release.ts';
import { listPath, objectPath } from './kinds.ts';
import { listAll } from './list.ts';
import { readOrNull } from './read.ts';
import { AnyObject, HelmRepositoryFields, SecretData } from './schema.ts';

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** A HelmRepository, read. */
export interface Repository extends ObjectRef {
  readonly uid: string;
  readonly generation: number;
  readonly url: string;
  readonly spec: HelmRepositoryFields;
}

/**
 * The HelmRepository whose credentials a chart is pulled with: the one that the spec names, else the one whose URL
 * lies above the chart's. Null: anonymous.
 */
export async function findRepository(
  kube: Kube,
  chart: HelmReleaseSpec['chart'],
  options: { readonly namespace: string; readonly crossNamespace: CrossNamespace },
): Promise<Repository | null> {
  if (chart.repository !== null) return readRepository(kube, chart.repository);
  const all = await listAll(kube, { path: listPath('HelmRepository') });
  const candidates = all.flatMap((item) => toRepository(item) ?? []);
  const match = matchRepository(chart.url, candidates, options);
  if (match.kind === 'ambiguous') {
    const names = match.repositories.map(({ namespace, name }) => `${namespace}/${name}`).join(' and ');
    throw failure(
      'RepositoryAmbiguous',
      `the HelmRepositories ${names} both serve ${chart.url}; keep one of them or add one to namespace ${options.namespace}`,
    );
  }
  return match.kind === 'one' ? match.repository : null;
}

/** Read one HelmRepository. Null: there is none. */
export async function readRepository(kube: Kube, ref: ObjectRef): Promise<Repository | null> {
  return toRepository(AnyObject.safeParse(await readOrNull(kube, objectPath('HelmRepository', ref))).data);
}

function toRepository(object: AnyObject | undefined): Repository | null {
  const spec = HelmRepositoryFields.safeParse(object?.spec);
  if (object === undefined || !spec.success) return null;
  const { namespace, name, uid, generation } = object.metadata;
  return { namespace, name, uid, generation, url: spec.data.url, spec: spec.data };
}

/** User name and password of a HelmRepository. Null: it names none. */
export async function readCredentials(
  kube: Kube,
  repository: Repository,
  crossNamespace: CrossNamespace = 'allowed',
): Promise<Credentials | null> {
  const basic = repository.spec.auth?.basic;
  const secret = basic?.secretRef;
  if (secret == null) return inlineOf(basic);
  const { name, data } = await readSecretOf(kube, repository, { ...secret, crossNamespace });
  const docker = data[DOCKER_CONFIG];
  if (docker !== undefined) {
    return readDockerConfig(docker, { url: repository.url, secret: name });
  }
  return {
    username: withoutNewline(requireKey(data, 'username', name)),
    password: withoutNewline(requireKey(data, 'password', name)),
  };
}

interface SecretReference {
  readonly name: string;
  readonly namespace?: string | null | undefined;
  readonly crossNamespace: CrossNamespace;
}

/** A Secret that a HelmRepository refers to, by default in its own namespace, and its name for messages. */
export async function readSecretOf(
  kube: Kube,
  repository: Repository,
  secret: SecretReference,
): Promise<{ readonly name: string; readonly data: Readonly<Record<string, string>> }> {
  const namespace = secret.namespace == null || secret.namespace === '' ? repository.namespace : secret.namespace;
  if (namespace !== repository.namespace && secret.crossNamespace === 'denied') {
    throw failure(
      'CrossNamespaceDenied',
      `HelmRepository ${repository.namespace}/${repository.name} names Secret ${namespace}/${secret.name}, but references to other namespaces are turned off`,
    );
  }
  const data = await readSecret(kube, { namespace, name: secret.name });
  return { name: `${namespace}/${secret.name}`, data };
}

function inlineOf(basic: NonNullable<HelmRepositoryFields['auth']>['basic']): Credentials | null {
  if (basic?.username == null || basic.password == null || basic.username === '') return null;
  return { username: basic.username, password: basic.password };
}

/** The decoded data of a Secret. Throws `SecretNotFound`. */
export async function readSecret(
  kube: Kube,
  { namespace, name }: ObjectRef,
): Promise<Readonly<Record<string, string>>> {
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/secrets/${encodeURIComponent(name)}`;
  const secret = await readOrNull(kube, path);
  if (secret === null) throw failure('SecretNotFound', `there is no Secret ${namespace}/${name}`);
  const { data } = SecretData.parse(secret);
  return Object.fromEntries(
    Object.entries(data ?? {}).map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')]),
  );
}

function requireKey(data: Readonly<Record<string, string>>, key: string, name: string): string {
  const value = data[key];
  if (value !== undefined && value !== '') return value;
  const present = Object.keys(data).sort().join(', ') || 'none';
  const what = value === undefined ? `has no key ${key}` : `has an empty ${key}`;
  throw failure('SecretInvalid', `Secret ${name} ${what}; its keys are: ${present}`);
}

/** `echo secret | base64` adds a newline that nobody means. A JSON key is kept to the byte. */
export function withoutNewline(value: string): string {
  return /^\s*\{/.test(value) ? value : value.replace(/\r?\n$/, '');
}
