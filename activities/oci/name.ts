import { failure } from '../failures.ts';
import { isLoopback } from '../http/addresses.ts';

/** A repository of a registry: `oci://<host>/<path>`. */
export interface OciName {
  /** Host with port, in lower case; every alias of Docker Hub is `docker.io`. */
  readonly host: string;
  readonly path: string;
}

const HOST =
  /^(?:\[[0-9a-f:]+\]|[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*)(?::[0-9]{1,5})?$/;
/** https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests */
const PATH = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const TAG = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;
export const DIGEST = /^sha256:[0-9a-f]{64}$/;

const DOCKER_HUB = ['docker.io', 'index.docker.io', 'registry-1.docker.io', 'registry.hub.docker.com'];

/** Parse what people write for a repository or chart. A registry alone has the path ''. */
export function parseOciName(url: string): OciName {
  const [, rest] = /^oci:\/\/(.+)$/s.exec(url.trim()) ?? [];
  if (rest === undefined) throw invalid(url, 'it does not begin with oci://');
  const trimmed = rest.replace(/\/+$/, '');
  const slash = trimmed.indexOf('/');
  const host = (slash === -1 ? trimmed : trimmed.slice(0, slash)).toLowerCase();
  const path = slash === -1 ? '' : trimmed.slice(slash + 1);
  if (host.includes('@')) throw invalid('oci://…', 'it holds credentials; put them into a Secret');
  if (!HOST.test(host)) throw invalid(url, `${JSON.stringify(host)} is no host name`);
  if (path !== '' && !PATH.test(path)) throw invalid(url, whyNoPath(path));
  return { host: DOCKER_HUB.includes(host) ? 'docker.io' : host, path };
}

function whyNoPath(path: string): string {
  if (/[:@][^/]*$/.test(path)) return 'it ends in a tag or digest; the version belongs into spec.chart.version';
  if (path !== path.toLowerCase()) return 'a repository path is written in lower case';
  return `${JSON.stringify(path)} is no repository path`;
}

function invalid(url: string, why: string): Error {
  return failure('SpecInvalid', `${JSON.stringify(url)} is no OCI reference: ${why}`);
}

/** `host/path`, as `oras` and `helm` take it. */
export function plainName({ host, path }: OciName): string {
  return path === '' ? host : `${host}/${path}`;
}

/** The tag of a chart version: OCI knows no `+`, so Helm publishes `1.0.0+x` as `1.0.0_x`. */
export function tagOf(version: string): string {
  const tag = version.replaceAll('+', '_');
  if (!TAG.test(tag)) throw failure('SpecInvalid', `${JSON.stringify(version)} cannot be a tag of a registry`);
  return tag;
}

/** The chart version that a tag stands for. */
export function versionOf(tag: string): string {
  return tag.replaceAll('_', '+');
}

/**
 * This machine's own registries speak plain HTTP; others only when they were named in the settings, or their
 * HelmRepository says so. One that has TLS settings speaks TLS, wherever it is.
 */
export function speaksPlainHttp(host: string, named: readonly string[], said: boolean | null = null): boolean {
  if (said !== null) return said;
  return isLoopback(host.replace(/:[0-9]+$/, '')) || named.includes(host);
}
