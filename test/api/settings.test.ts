import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { readApiSettings } from '../../api/settings.ts';
import { SettingsError } from '../../runtime/environment.ts';

const folder = mkdtempSync(join(tmpdir(), 'holdfast-api-settings-'));
after(() => {
  rmSync(folder, { recursive: true, force: true });
});
const pem = join(folder, 'pem');
writeFileSync(pem, 'pem');
const TLS = { HOLDFAST_API_TLS_CERT_FILE: pem, HOLDFAST_API_TLS_KEY_FILE: pem };
const DEFAULTS = {
  cluster: 'local',
  logLevel: 'info',
  host: '127.0.0.1',
  port: 7400,
  tokensFile: '/tokens.json',
  tls: null,
  temporalUi: null,
};

describe('readApiSettings', () => {
  const rows = [
    { name: 'only what is required', env: {}, settings: DEFAULTS },
    {
      name: 'everything',
      env: {
        HOLDFAST_CLUSTER: 'eu',
        HOLDFAST_LOG_LEVEL: 'debug',
        HOLDFAST_API_HOST: '0.0.0.0',
        HOLDFAST_API_PORT: '443',
        HOLDFAST_TEMPORAL_UI: 'https://temporal.example.com/',
        ...TLS,
      },
      settings: {
        ...DEFAULTS,
        cluster: 'eu',
        logLevel: 'debug',
        host: '0.0.0.0',
        port: 443,
        tls: { cert: Buffer.from('pem'), key: Buffer.from('pem') },
        temporalUi: 'https://temporal.example.com',
      },
    },
    { name: 'another loopback address', env: { HOLDFAST_API_HOST: '::1' }, settings: { ...DEFAULTS, host: '::1' } },
    {
      name: 'plain HTTP beyond loopback, on request',
      env: { HOLDFAST_API_HOST: '0.0.0.0', HOLDFAST_API_INSECURE: 'true' },
      settings: { ...DEFAULTS, host: '0.0.0.0' },
    },
  ];
  for (const { name, env, settings } of rows) {
    it(`takes ${name}`, () => {
      assert.deepEqual(readApiSettings({ HOLDFAST_TOKENS_FILE: '/tokens.json', ...env }), settings);
    });
  }

  const refused = [
    { env: { HOLDFAST_TOKENS_FILE: '' }, message: /^HOLDFAST_TOKENS_FILE is not set$/ },
    {
      env: { HOLDFAST_API_HOST: '0.0.0.0' },
      message: /^HOLDFAST_API_HOST is "0\.0\.0\.0": beyond loopback .*HOLDFAST_API_INSECURE=true/,
    },
    { env: { HOLDFAST_API_HOST: 'localhost.example.com' }, message: /beyond loopback/ },
    { env: { HOLDFAST_API_INSECURE: '1' }, message: /^HOLDFAST_API_INSECURE is "1": expected true or false$/ },
    { env: { HOLDFAST_API_TLS_CERT_FILE: pem }, message: /^HOLDFAST_API_TLS_KEY_FILE is not set, but/ },
    { env: { ...TLS, HOLDFAST_API_TLS_KEY_FILE: '/none' }, message: /^HOLDFAST_API_TLS_KEY_FILE: expected the path/ },
    { env: { HOLDFAST_TEMPORAL_UI: 'localhost:8233' }, message: /^HOLDFAST_TEMPORAL_UI is "localhost:8233": expected/ },
  ];
  for (const { env, message } of refused) {
    it(`refuses ${JSON.stringify(env)}`, () => {
      assert.throws(
        () => readApiSettings({ HOLDFAST_TOKENS_FILE: '/tokens.json', ...env }),
        (error) => error instanceof SettingsError && message.test(error.message),
      );
    });
  }
});
