import { Client, Connection, defaultGrpcRetryOptions, makeGrpcRetryInterceptor } from '@temporalio/client';
import type { ConnectionOptions, TLSConfig } from '@temporalio/client';
import { loadClientConfig, toClientOptions, type ClientConnectConfig } from '@temporalio/envconfig';
import { z } from 'zod';
import {
  addressText,
  booleanText,
  fileText,
  readEnvironment,
  readSecretFile,
  readSettingFile,
  SettingsError,
  type Environment,
} from './environment.ts';

/** How Temporal is reached. Holds the API key: not for logs. */
export interface TemporalSettings {
  readonly address: string;
  readonly namespace: string;
  readonly apiKey: string | null;
  /** Null: no TLS. */
  readonly tls: TLSConfig | null;
  /** Headers of a profile, sent with every call. */
  readonly metadata: Readonly<Record<string, string>>;
}

const Variables = z.object({
  HOLDFAST_TEMPORAL_ADDRESS: addressText.optional(),
  HOLDFAST_TEMPORAL_NAMESPACE: z.string().optional(),
  HOLDFAST_TEMPORAL_API_KEY_FILE: fileText.optional(),
  HOLDFAST_TEMPORAL_TLS: booleanText.optional(),
  HOLDFAST_TEMPORAL_TLS_CA_FILE: fileText.optional(),
  HOLDFAST_TEMPORAL_TLS_CERT_FILE: fileText.optional(),
  HOLDFAST_TEMPORAL_TLS_KEY_FILE: fileText.optional(),
  HOLDFAST_TEMPORAL_TLS_SERVER_NAME: z.string().optional(),
  HOLDFAST_TEMPORAL_PROFILE: z.string().optional(),
  HOLDFAST_TEMPORAL_CONFIG_FILE: fileText.optional(),
});
type Variables = z.output<typeof Variables>;

/**
 * Read Temporal's settings from our own variables. `TEMPORAL_*` and the Temporal CLI's default configuration file are
 * not looked at; a profile comes only from the file that `HOLDFAST_TEMPORAL_CONFIG_FILE` names. A single variable wins
 * over the profile.
 */
export function readTemporalSettings(env: Environment): TemporalSettings {
  const set = readEnvironment(Variables, env);
  const profile = readProfile(set);
  const { connectionOptions } = profile;
  const apiKeyFile = set.HOLDFAST_TEMPORAL_API_KEY_FILE;
  const settings: TemporalSettings = {
    address: set.HOLDFAST_TEMPORAL_ADDRESS ?? connectionOptions.address ?? '127.0.0.1:7233',
    namespace: set.HOLDFAST_TEMPORAL_NAMESPACE ?? profile.namespace ?? 'default',
    apiKey:
      apiKeyFile === undefined
        ? (connectionOptions.apiKey ?? null)
        : readSecretFile('HOLDFAST_TEMPORAL_API_KEY_FILE', apiKeyFile),
    tls: readTls(set, connectionOptions.tls ?? null, apiKeyFile !== undefined),
    metadata: textOnly(connectionOptions.metadata ?? {}),
  };
  if (settings.apiKey !== null && settings.tls === null && !isLoopback(settings.address)) {
    throw new SettingsError(
      `HOLDFAST_TEMPORAL_TLS is "false": an API key is sent to ${settings.address} only over TLS; set it to true or take the key away`,
    );
  }
  return settings;
}

function readProfile({
  HOLDFAST_TEMPORAL_PROFILE: profile,
  HOLDFAST_TEMPORAL_CONFIG_FILE: path,
}: Variables): ClientConnectConfig {
  if (path === undefined) {
    if (profile === undefined) return { connectionOptions: {} };
    throw new SettingsError(
      `HOLDFAST_TEMPORAL_PROFILE is ${JSON.stringify(profile)}: set HOLDFAST_TEMPORAL_CONFIG_FILE to the file that holds this profile`,
    );
  }
  const name = profile ?? 'default';
  const { profiles } = parseProfiles(path);
  const found = Object.hasOwn(profiles, name) ? profiles[name] : undefined;
  if (found === undefined) {
    const known = Object.keys(profiles).sort().join(', ');
    throw new SettingsError(`HOLDFAST_TEMPORAL_PROFILE is "${name}": ${path} has the profiles ${known || '(none)'}`);
  }
  return guarded(path, () => toClientOptions(found));
}

function parseProfiles(path: string): ReturnType<typeof loadClientConfig> {
  // The environment that it may look at is empty, and the source is named: nothing else can be read.
  return guarded(path, () => loadClientConfig({ configSource: { path }, configFileStrict: true, overrideEnvVars: {} }));
}

/** A parser's message may quote the line with the API key, so it goes no further than `cause`. */
function guarded<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new SettingsError(
      `HOLDFAST_TEMPORAL_CONFIG_FILE is ${JSON.stringify(path)}: expected a Temporal client configuration (TOML with [profile.NAME] tables), and every file that it names must exist`,
      { cause: error },
    );
  }
}

function readTls(
  set: Variables,
  profile: NonNullable<ClientConnectConfig['connectionOptions']['tls']> | null,
  keyGiven: boolean,
): TLSConfig | null {
  const own = readTlsFiles(set);
  if (set.HOLDFAST_TEMPORAL_TLS === false) {
    if (own === null) return null;
    throw new SettingsError('HOLDFAST_TEMPORAL_TLS is "false", but TLS files or a server name are set: take one away');
  }
  const inherited = typeof profile === 'object' ? profile : null;
  const on = set.HOLDFAST_TEMPORAL_TLS ?? (own !== null || keyGiven || (profile !== null && profile !== false));
  return on ? { ...inherited, ...own } : null;
}

function readTlsFiles(set: Variables): TLSConfig | null {
  const ca = set.HOLDFAST_TEMPORAL_TLS_CA_FILE;
  const cert = set.HOLDFAST_TEMPORAL_TLS_CERT_FILE;
  const key = set.HOLDFAST_TEMPORAL_TLS_KEY_FILE;
  const serverName = set.HOLDFAST_TEMPORAL_TLS_SERVER_NAME;
  if ((cert === undefined) !== (key === undefined)) {
    const [missing, given] = cert === undefined ? ['CERT', 'KEY'] : ['KEY', 'CERT'];
    throw new SettingsError(
      `HOLDFAST_TEMPORAL_TLS_${missing}_FILE is not set, but HOLDFAST_TEMPORAL_TLS_${given}_FILE is: a client certificate needs both`,
    );
  }
  const tls: TLSConfig = {
    ...(serverName === undefined ? {} : { serverNameOverride: serverName }),
    ...(ca === undefined ? {} : { serverRootCACertificate: readSettingFile('HOLDFAST_TEMPORAL_TLS_CA_FILE', ca) }),
    ...(cert === undefined || key === undefined
      ? {}
      : {
          clientCertPair: {
            crt: readSettingFile('HOLDFAST_TEMPORAL_TLS_CERT_FILE', cert),
            key: readSettingFile('HOLDFAST_TEMPORAL_TLS_KEY_FILE', key),
          },
        }),
  };
  return Object.keys(tls).length === 0 ? null : tls;
}

function textOnly(metadata: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(metadata).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

/** True when traffic to this host or `host:port` stays on the machine. */
export function isLoopback(address: string): boolean {
  const host = address.replace(/^(\[.*\]|[^:]*):\d+$/, '$1').replace(/^\[|\]$/g, '');
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

/** How long a call to Temporal may take when its caller has not said otherwise. */
export const CALL_DEADLINE_MS = 10_000;
/** Tries within one call: a server that is away is told so after two seconds, not at the deadline. */
const MAX_TRIES = 5;

type Interceptor = NonNullable<ConnectionOptions['interceptors']>[number];

/** Outside the retries, so that all tries of one call share one deadline. */
const withDefaultDeadline: Interceptor = (options, nextCall) =>
  // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- grpc-js declares its wrapper class and only ever uses the interface that nextCall returns
  nextCall({ ...options, deadline: options.deadline ?? Date.now() + CALL_DEADLINE_MS }) as ReturnType<Interceptor>;

/**
 * A client that connects at its first call, so that a process can start while Temporal is away. Every call has a
 * deadline: `CALL_DEADLINE_MS`, or what `connection.withDeadline` sets. The caller closes `connection`.
 */
export function connectClient(settings: TemporalSettings): { client: Client; connection: Connection } {
  const connection = Connection.lazy({
    address: settings.address,
    tls: settings.tls,
    metadata: { ...settings.metadata },
    ...(settings.apiKey === null ? {} : { apiKey: settings.apiKey }),
    interceptors: [withDefaultDeadline, makeGrpcRetryInterceptor(defaultGrpcRetryOptions({ maxAttempts: MAX_TRIES }))],
  });
  return { client: new Client({ connection, namespace: settings.namespace }), connection };
}

/** The same settings for `NativeConnection.connect` of a worker. Compression costs CPU and saves nothing on loopback. */
export function toNativeConnectionOptions(settings: TemporalSettings): ClientConnectConfig['connectionOptions'] {
  return {
    address: settings.address,
    tls: settings.tls ?? false,
    metadata: { ...settings.metadata },
    ...(settings.apiKey === null ? {} : { apiKey: settings.apiKey }),
    ...(isLoopback(settings.address) ? { grpcCompression: { codec: 'none' as const } } : {}),
  };
}
