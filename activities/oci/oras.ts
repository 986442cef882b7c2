import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { failure } from '../failures.ts';
import type { HostGates } from '../http/host-gates.ts';
import type { Login, Transport } from '../http/transport.ts';
import { childEnvironment, run, type Ended } from '../process/run.ts';
import { noAnswer, toOrasFailure, type Asked } from './errors.ts';
import { plainName, tagOf, type OciName } from './name.ts';
import { reachOf } from './reach.ts';
import { Manifest, type Descriptor } from './schema.ts';

export interface RegistrySettings {
  /** Absolute path of the ORAS CLI. */
  readonly oras: string;
  /** Private folders are made in here. */
  readonly tmp: string;
  /** `host:port` of registries that speak plain HTTP, beside those of this machine. */
  readonly plainHttp: readonly string[];
  /** Shared with all who ask registries. */
  readonly gates: HostGates;
}

/** A chart as a registry announces it. */
export interface AnnouncedChart {
  readonly manifestDigest: string;
  readonly layer: { readonly digest: string; readonly size: number };
}

export interface ChartRequest {
  readonly name: OciName;
  readonly chart: string;
  readonly version: string;
  /** Digest of the manifest to take, whatever the tags say by now; absent or null: the tag of the version. */
  readonly digest?: string | null;
  readonly transport: Transport;
  readonly signal?: AbortSignal | undefined;
}

/** The ORAS CLI, one private folder per call. */
export interface Oras {
  /** All tags of a chart, in no order; one call pages through all of them. */
  listTags(request: ChartRequest): Promise<readonly string[]>;
  /** What the registry has under the tag of a version. */
  announce(request: ChartRequest): Promise<AnnouncedChart>;
  /** The chart's archive, whose digest and size are those of `layer`. */
  fetchLayer(request: ChartRequest, layer: AnnouncedChart['layer']): Promise<Buffer>;
  /** Log in, and forget it. */
  checkLogin(request: {
    host: string;
    transport: Transport & { readonly login: Login };
    timeoutMs: number;
    signal?: AbortSignal | undefined;
  }): Promise<void>;
}

const CHART_LAYER = 'application/vnd.cncf.helm.chart.content.v1.tar+gzip';
const LEGACY_CHART_LAYER = 'application/tar+gzip';
const MAX_MANIFEST_BYTES = 4 * 1024 * 1024;
/** Charts are kilobytes; Helm's record of a release, a Secret of at most 1 MiB, holds the whole chart. */
export const MAX_CHART_BYTES = 10 * 1024 * 1024;
/** Some hundred thousand tags. */
const MAX_TAGS_BYTES = 4 * 1024 * 1024;
const MANIFEST_TIMEOUT_MS = 60_000;
const LAYER_TIMEOUT_MS = 5 * 60_000;

export function createOras(settings: RegistrySettings): Oras {
  return {
    async listTags(request) {
      const args = ['repo', 'tags', plainName(request.name)];
      const limits = { maxStdout: MAX_TAGS_BYTES, timeoutMs: MANIFEST_TIMEOUT_MS };
      const { stdout, stdoutCut } = await ask(settings, request, { args, ...limits });
      if (stdoutCut) throw noChart(request, `tags of more than ${MAX_TAGS_BYTES} bytes, too many to choose from,`);
      return stdout
        .toString('utf8')
        .split('\n')
        .filter((tag) => tag !== '');
    },

    async announce(request) {
      const { body, manifest } = await resolve(settings, request);
      return { manifestDigest: digestOf(body), layer: chartLayerOf(manifest, request) };
    },

    async fetchLayer(request, layer) {
      const reference = `${plainName(request.name)}@${layer.digest}`;
      const args = ['blob', 'fetch', '--no-tty', '--output', '-', reference];
      const limits = { maxStdout: layer.size + 1, timeoutMs: LAYER_TIMEOUT_MS };
      const { stdout } = await ask(settings, request, { args, ...limits });
      if (stdout.length === layer.size && digestOf(stdout) === layer.digest) return stdout;
      throw mismatch(request);
    },

    async checkLogin({ host, transport, ...limits }) {
      const { login } = transport;
      const asked = { host, what: '', repository: host, secret: login.secret, provider: login.provider };
      const args = ['login', `--username=${login.username}`, '--password-stdin', host];
      const who = { asked, account: login.username, transport: { ...transport, login: null, timeoutMs: null } };
      await oras(settings, { ...limits, ...who, args, stdin: login.password, maxStdout: 1024 });
    },
  };
}

/** The manifest under the tag; of an index, the one manifest of a chart in it. One level, no more. */
async function resolve(settings: RegistrySettings, request: ChartRequest): Promise<Resolved> {
  const pinned = request.digest ?? null;
  const top = await fetchManifest(settings, request, pinned === null ? `:${tagOf(request.version)}` : `@${pinned}`);
  if (pinned !== null && digestOf(top.body) !== pinned) throw mismatch(request);
  if (top.manifest.manifests === undefined) return top;
  if (top.manifest.manifests.length !== 1) {
    throw noChart(request, `an index of ${top.manifest.manifests.length} manifests`);
  }
  const [{ digest } = { digest: '' }] = top.manifest.manifests;
  const inner = await fetchManifest(settings, request, `@${digest}`);
  if (digestOf(inner.body) !== digest) throw mismatch(request);
  return inner;
}

interface Resolved {
  readonly body: Buffer;
  readonly manifest: Manifest;
}

async function fetchManifest(settings: RegistrySettings, request: ChartRequest, suffix: string): Promise<Resolved> {
  const args = ['manifest', 'fetch', '--output', '-', plainName(request.name) + suffix];
  const limits = { maxStdout: MAX_MANIFEST_BYTES, timeoutMs: MANIFEST_TIMEOUT_MS };
  const { stdout: body } = await ask(settings, request, { args, ...limits });
  const parsed = Manifest.safeParse(parseJson(body));
  if (!parsed.success) throw noChart(request, 'something that is no manifest');
  return { body, manifest: parsed.data };
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return null;
  }
}

/** Layers come in any order, so the media type decides. */
function chartLayerOf({ layers = [] }: Manifest, request: ChartRequest): AnnouncedChart['layer'] {
  const current = layers.filter(({ mediaType }) => mediaType === CHART_LAYER);
  const legacy = layers.filter(({ mediaType }) => mediaType === LEGACY_CHART_LAYER);
  const [layer, ...others]: Descriptor[] = current.length > 0 ? current : legacy;
  if (layer === undefined) throw noChart(request, 'an artifact without a Helm chart in it');
  if (others.length > 0) throw noChart(request, `${others.length + 1} charts in one artifact`);
  if (layer.size > MAX_CHART_BYTES) {
    throw noChart(request, `a chart of ${layer.size} bytes, more than the ${MAX_CHART_BYTES} that are allowed`);
  }
  return { digest: layer.digest, size: layer.size };
}

interface Call {
  readonly args: readonly string[];
  readonly asked: Asked;
  /** User name; empty: nobody in particular. */
  readonly account: string;
  readonly transport: Transport;
  readonly stdin?: string;
  readonly maxStdout: number;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** One call about a chart. */
function ask(
  settings: RegistrySettings,
  request: ChartRequest,
  call: Pick<Call, 'args' | 'maxStdout' | 'timeoutMs'>,
): Promise<Ended> {
  const { transport, signal } = request;
  const account = transport.login?.username ?? '';
  return oras(settings, { ...call, account, transport, signal, asked: askedOf(request) });
}

function oras(settings: RegistrySettings, call: Call): Promise<Ended> {
  const { asked, account, signal } = call;
  return settings.gates.pass({ host: asked.host, account, signal }, () => orasAlone(settings, call));
}

/** A folder of its own for each call, so that no login outlives it or meets another. */
async function orasAlone({ oras: file, tmp, plainHttp }: RegistrySettings, call: Call): Promise<Ended> {
  const timeoutMs = call.transport.timeoutMs ?? call.timeoutMs;
  const { flags, files, env } = reachOf(call.asked.host, call.transport, plainHttp);
  const folder = await mkdtemp(join(tmp, 'oras-'));
  try {
    for (const [name, content] of Object.entries(files)) {
      await writeFile(join(folder, name), content, { mode: 0o600 });
    }
    const ended = await run({
      file,
      // How long a registry wants to be left alone is told by no other way than its trace.
      args: [...call.args, ...flags, '--debug'],
      env: childEnvironment(folder, env),
      cwd: folder,
      stdin: call.stdin,
      maxStdout: call.maxStdout,
      timeoutMs,
      signal: call.signal,
      graceMs: 2_000,
    });
    call.signal?.throwIfAborted();
    if (ended.by === 'timeout') throw noAnswer(call.asked, timeoutMs);
    if (ended.code !== 0) throw toOrasFailure(ended.stderr, call.asked);
    return ended;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function askedOf({ name, chart, version, transport }: ChartRequest): Asked {
  const what = `chart ${chart} ${version}`.trim();
  const { login } = transport;
  const who = { secret: login?.secret ?? null, provider: login?.provider };
  return { host: name.host, what, repository: plainName(name), ...who };
}

function digestOf(body: Buffer): string {
  return `sha256:${createHash('sha256').update(body).digest('hex')}`;
}

function noChart({ chart, version, name }: ChartRequest, what: string): Error {
  return failure(
    'ChartInvalid',
    `oci://${plainName(name)} holds ${what} under the version ${version} of chart ${chart}`,
  );
}

function mismatch({ chart, version, name }: ChartRequest): Error {
  return failure(
    'DigestMismatch',
    `registry ${name.host} sent something else than chart ${chart} ${version}: its digest is not the one that was announced`,
  );
}
