import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { isGrpcDeadlineError } from '@temporalio/client';
import { SettingsError } from '../../runtime/environment.ts';
import { connectClient, isLoopback, readTemporalSettings, toNativeConnectionOptions } from '../../runtime/temporal.ts';

const CANARY = 'canary-9a2c';
const folder = mkdtempSync(join(tmpdir(), 'holdfast-temporal-'));
after(() => {
  rmSync(folder, { recursive: true, force: true });
});

function write(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const key = write('api-key', `${CANARY}\n`);
const pem = write('pem', 'certificate');
const profiles = write(
  'profiles.toml',
  `[profile.default]
address = "default.example.com:7233"

[profile.prod]
address = "prod.example.com:7233"
namespace = "gitops"
api_key = "${CANARY}"
[profile.prod.tls]
server_name = "temporal.internal"
[profile.prod.grpc_meta]
team = "platform"
`,
);
const DEFAULTS = { address: '127.0.0.1:7233', namespace: 'default', apiKey: null, tls: null, metadata: {} };

describe('readTemporalSettings', () => {
  const rows = [
    { name: 'nothing set', env: {}, settings: DEFAULTS },
    {
      name: 'address and namespace',
      env: { HOLDFAST_TEMPORAL_ADDRESS: 't.example.com:443', HOLDFAST_TEMPORAL_NAMESPACE: 'gitops' },
      settings: { ...DEFAULTS, address: 't.example.com:443', namespace: 'gitops' },
    },
    {
      name: 'an API key turns TLS on',
      env: { HOLDFAST_TEMPORAL_API_KEY_FILE: key },
      settings: { ...DEFAULTS, apiKey: CANARY, tls: {} },
    },
    {
      name: 'TLS with files',
      env: {
        HOLDFAST_TEMPORAL_TLS_CA_FILE: pem,
        HOLDFAST_TEMPORAL_TLS_CERT_FILE: pem,
        HOLDFAST_TEMPORAL_TLS_KEY_FILE: pem,
        HOLDFAST_TEMPORAL_TLS_SERVER_NAME: 'inner',
      },
      settings: {
        ...DEFAULTS,
        tls: {
          serverNameOverride: 'inner',
          serverRootCACertificate: Buffer.from('certificate'),
          clientCertPair: { crt: Buffer.from('certificate'), key: Buffer.from('certificate') },
        },
      },
    },
    {
      name: 'an API key in the clear stays possible on loopback',
      env: { HOLDFAST_TEMPORAL_API_KEY_FILE: key, HOLDFAST_TEMPORAL_TLS: 'false' },
      settings: { ...DEFAULTS, apiKey: CANARY },
    },
    {
      name: 'the default profile of a named file',
      env: { HOLDFAST_TEMPORAL_CONFIG_FILE: profiles },
      settings: { ...DEFAULTS, address: 'default.example.com:7233' },
    },
    {
      name: 'a named profile, one variable over it',
      env: {
        HOLDFAST_TEMPORAL_CONFIG_FILE: profiles,
        HOLDFAST_TEMPORAL_PROFILE: 'prod',
        HOLDFAST_TEMPORAL_NAMESPACE: 'other',
      },
      settings: {
        address: 'prod.example.com:7233',
        namespace: 'other',
        apiKey: CANARY,
        tls: { serverNameOverride: 'temporal.internal', serverRootCACertificate: undefined, clientCertPair: undefined },
        metadata: { team: 'platform' },
      },
    },
  ];
  for (const { name, env, settings } of rows) {
    it(name, () => {
      assert.deepEqual(readTemporalSettings(env), settings);
    });
  }

  it('ignores TEMPORAL_* in the given environment and in that of the process', () => {
    const decoys = {
      TEMPORAL_ADDRESS: 'decoy.example.com:7233',
      TEMPORAL_NAMESPACE: 'decoy',
      TEMPORAL_API_KEY: 'decoy',
      TEMPORAL_TLS: 'true',
      TEMPORAL_PROFILE: 'prod',
      TEMPORAL_CONFIG_FILE: profiles,
      TEMPORAL_GRPC_META_TEAM: 'decoy',
    };
    const before = { ...process.env };
    Object.assign(process.env, decoys);
    try {
      assert.deepEqual(readTemporalSettings(decoys), DEFAULTS);
      assert.deepEqual(readTemporalSettings({ ...decoys, HOLDFAST_TEMPORAL_CONFIG_FILE: profiles }), {
        ...DEFAULTS,
        address: 'default.example.com:7233',
      });
    } finally {
      for (const name of Object.keys(decoys)) {
        if (before[name] === undefined) Reflect.deleteProperty(process.env, name);
        else process.env[name] = before[name];
      }
    }
  });

  const refused = [
    { env: { HOLDFAST_TEMPORAL_ADDRESS: 'x' }, message: /^HOLDFAST_TEMPORAL_ADDRESS is "x": expected host:port/ },
    { env: { HOLDFAST_TEMPORAL_TLS: 'on' }, message: /^HOLDFAST_TEMPORAL_TLS is "on": expected true or false$/ },
    { env: { HOLDFAST_TEMPORAL_TLS_KEY_FILE: pem }, message: /^HOLDFAST_TEMPORAL_TLS_CERT_FILE is not set, but/ },
    {
      env: { HOLDFAST_TEMPORAL_TLS: 'false', HOLDFAST_TEMPORAL_TLS_CA_FILE: pem },
      message: /^HOLDFAST_TEMPORAL_TLS is "false", but TLS files or a server name are set/,
    },
    {
      env: {
        HOLDFAST_TEMPORAL_ADDRESS: 't.example.com:443',
        HOLDFAST_TEMPORAL_TLS: 'false',
        HOLDFAST_TEMPORAL_API_KEY_FILE: key,
      },
      message: /an API key is sent to t\.example\.com:443 only over TLS/,
    },
    { env: { HOLDFAST_TEMPORAL_PROFILE: 'prod' }, message: /set HOLDFAST_TEMPORAL_CONFIG_FILE to the file/ },
    {
      env: { HOLDFAST_TEMPORAL_PROFILE: 'none', HOLDFAST_TEMPORAL_CONFIG_FILE: profiles },
      message: /^HOLDFAST_TEMPORAL_PROFILE is "none": .* has the profiles default, prod$/,
    },
    {
      env: { HOLDFAST_TEMPORAL_CONFIG_FILE: write('broken.toml', `[profile.a]\napi_key = "${CANARY}`) },
      message: /expected a Temporal client configuration/,
    },
    {
      env: { HOLDFAST_TEMPORAL_CONFIG_FILE: write('unknown.toml', `[profile.default]\naddres = "${CANARY}"`) },
      message: /expected a Temporal client configuration/,
    },
    { env: { HOLDFAST_TEMPORAL_API_KEY_FILE: CANARY }, message: /^HOLDFAST_TEMPORAL_API_KEY_FILE: expected the path/ },
  ];
  for (const { env, message } of refused) {
    it(`refuses ${JSON.stringify(env)}`, () => {
      assert.throws(
        () => readTemporalSettings(env),
        (error) => {
          assert.ok(error instanceof SettingsError);
          assert.match(error.message, message);
          assert.equal(error.message.includes(CANARY), false);
          return true;
        },
      );
    });
  }
});

describe('isLoopback', () => {
  for (const [address, expected] of [
    ['127.0.0.1:7233', true],
    ['127.1.2.3:7233', true],
    ['localhost:7233', true],
    ['[::1]:7233', true],
    ['::1', true],
    ['0.0.0.0:7233', false],
    ['127.0.0.1.example.com:7233', false],
    ['localhost.example.com:7233', false],
  ] as const) {
    it(`${address}: ${expected ? 'yes' : 'no'}`, () => {
      assert.equal(isLoopback(address), expected);
    });
  }
});

describe('toNativeConnectionOptions', () => {
  it('turns compression off on loopback only', () => {
    assert.deepEqual(toNativeConnectionOptions(DEFAULTS), {
      address: '127.0.0.1:7233',
      tls: false,
      metadata: {},
      grpcCompression: { codec: 'none' },
    });
    assert.deepEqual(toNativeConnectionOptions({ ...DEFAULTS, address: 'a.example.com:7233', apiKey: 'k', tls: {} }), {
      address: 'a.example.com:7233',
      tls: {},
      metadata: {},
      apiKey: 'k',
    });
  });
});

describe('connectClient', () => {
  // Accepts connections and never answers: the peer that a call without a deadline would wait for, for ever.
  const sockets: Socket[] = [];
  const silent = createServer((socket) => {
    sockets.push(socket.resume());
  });
  let address = '';
  before(async () => {
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const bound = silent.address();
    assert.ok(bound !== null && typeof bound === 'object');
    address = `127.0.0.1:${bound.port}`;
  });
  after(() => {
    for (const socket of sockets) socket.destroy();
    silent.close();
  });

  it('gives every call a deadline, and the caller may set another', async () => {
    const { client, connection } = connectClient({ ...DEFAULTS, address });
    try {
      await assert.rejects(
        connection.withDeadline(Date.now() + 200, () => client.workflow.getHandle('a').describe()),
        isGrpcDeadlineError,
      );
      const deadlines: unknown[] = [];
      const [first] = connection.options.interceptors;
      assert.ok(first);
      // The interceptor is asked what it hands on; the call itself is not made.
      const next = (options: { deadline?: unknown }): never => {
        deadlines.push(options.deadline);
        throw new TypeError('not called');
      };
      const method = {} as Parameters<typeof first>[0]['method_definition'];
      assert.throws(() => first({ method_definition: method }, next), TypeError);
      assert.throws(() => first({ method_definition: method, deadline: 42 }, next), TypeError);
      const [unset, set] = deadlines;
      assert.ok(typeof unset === 'number' && unset > Date.now() && unset <= Date.now() + 10_000);
      assert.equal(set, 42);
    } finally {
      await connection.close();
    }
  });
});
