import { z } from 'zod';
import {
  baseUrlText,
  booleanText,
  clusterText,
  fileText,
  hostText,
  logLevelText,
  pathText,
  portText,
  readEnvironment,
  readSettingFile,
  SettingsError,
  type Environment,
  type LogLevel,
} from '../runtime/environment.ts';
import { isLoopback } from '../runtime/temporal.ts';

/** Everything the API is told from outside, but Temporal's connection (`runtime/temporal.ts`). */
export interface ApiSettings {
  readonly cluster: string;
  readonly logLevel: LogLevel;
  readonly host: string;
  readonly port: number;
  readonly tokensFile: string;
  readonly tls: { readonly cert: Buffer; readonly key: Buffer } | null;
  /** Where people find the Temporal UI; null: answers carry no links to it. */
  readonly temporalUi: string | null;
}

const Variables = z.object({
  HOLDFAST_CLUSTER: clusterText,
  HOLDFAST_LOG_LEVEL: logLevelText,
  HOLDFAST_API_HOST: hostText.default('127.0.0.1'),
  HOLDFAST_API_PORT: portText.default(7400),
  HOLDFAST_TOKENS_FILE: pathText,
  HOLDFAST_API_TLS_CERT_FILE: fileText.optional(),
  HOLDFAST_API_TLS_KEY_FILE: fileText.optional(),
  HOLDFAST_API_INSECURE: booleanText.default(false),
  HOLDFAST_TEMPORAL_UI: baseUrlText.optional(),
});
type Variables = z.output<typeof Variables>;

/** Read and check the settings; throws a `SettingsError` that names every variable that is wrong. */
export function readApiSettings(env: Environment): ApiSettings {
  const set = readEnvironment(Variables, env);
  const tls = readTls(set);
  if (tls === null && !set.HOLDFAST_API_INSECURE && !isLoopback(set.HOLDFAST_API_HOST)) {
    throw new SettingsError(
      `HOLDFAST_API_HOST is "${set.HOLDFAST_API_HOST}": beyond loopback tokens must not travel in the clear; set ` +
        'HOLDFAST_API_TLS_CERT_FILE and HOLDFAST_API_TLS_KEY_FILE, or HOLDFAST_API_INSECURE=true where something in front does TLS',
    );
  }
  return {
    cluster: set.HOLDFAST_CLUSTER,
    logLevel: set.HOLDFAST_LOG_LEVEL,
    host: set.HOLDFAST_API_HOST,
    port: set.HOLDFAST_API_PORT,
    tokensFile: set.HOLDFAST_TOKENS_FILE,
    tls,
    temporalUi: set.HOLDFAST_TEMPORAL_UI ?? null,
  };
}

function readTls({ HOLDFAST_API_TLS_CERT_FILE: cert, HOLDFAST_API_TLS_KEY_FILE: key }: Variables): ApiSettings['tls'] {
  if (cert === undefined && key === undefined) return null;
  if (cert === undefined || key === undefined) {
    const [missing, given] = cert === undefined ? ['CERT', 'KEY'] : ['KEY', 'CERT'];
    throw new SettingsError(
      `HOLDFAST_API_TLS_${missing}_FILE is not set, but HOLDFAST_API_TLS_${given}_FILE is: TLS needs both`,
    );
  }
  return {
    cert: readSettingFile('HOLDFAST_API_TLS_CERT_FILE', cert),
    key: readSettingFile('HOLDFAST_API_TLS_KEY_FILE', key),
  };
}
