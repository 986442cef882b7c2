import assert from 'node:assert/strict';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { parse, stringify } from 'yaml';
import { createKube, type KubeClient } from '../../../activities/kube/client.ts';
import { KubeError } from '../../../activities/ports.ts';
import { type TestCluster, useCluster } from './cluster.ts';

interface Kubeconfig {
  clusters: { cluster: Record<string, unknown> & { server: string } }[];
  users: { user: Record<string, unknown> & { token?: string } }[];
}

describe('the client of the API server', () => {
  let cluster: TestCluster;
  let folder: string;
  before(async () => {
    cluster = await useCluster();
    folder = await mkdtemp(join(tmpdir(), 'holdfast-kube-'));
  });
  after(async () => {
    await rm(folder, { recursive: true, force: true });
    await cluster.release();
  });

  /** A copy of the cluster's kubeconfig, changed. */
  async function kubeconfig(change: (config: Kubeconfig) => void): Promise<string> {
    const config = parse(await readFile(cluster.kubeconfig, 'utf8')) as Kubeconfig;
    change(config);
    const file = join(folder, `kubeconfig-${String(Math.random()).slice(2)}`);
    await writeFile(file, stringify(config));
    return file;
  }

  async function using<T>(file: string, use: (kube: KubeClient) => Promise<T>): Promise<T> {
    const kube = createKube({ kubeconfig: file, context: null });
    try {
      return await use(kube);
    } finally {
      await kube.close();
    }
  }

  it('reads, creates, patches and deletes an object, JSON untouched', async () => {
    await using(cluster.kubeconfig, async (kube) => {
      const maps = await kube.resource('v1', 'ConfigMap');
      assert.ok(maps);
      const ref = { namespace: cluster.namespace, name: 'client' };
      await kube.request({
        method: 'POST',
        path: maps.path({ namespace: ref.namespace }),
        body: {
          apiVersion: 'v1',
          kind: 'ConfigMap',
          metadata: { name: ref.name },
          data: { when: '2026-01-01T00:00:00Z' },
        },
      });
      await kube.request({
        method: 'PATCH',
        path: maps.path(ref),
        contentType: 'application/merge-patch+json',
        query: { fieldManager: 'test' },
        body: { data: { more: 'ü' } },
      });
      const read = await kube.request<{ data: unknown }>({ method: 'GET', path: maps.path(ref) });
      assert.deepEqual(read.data, { when: '2026-01-01T00:00:00Z', more: 'ü' });
      await kube.request({ method: 'DELETE', path: maps.path(ref) });
      await assert.rejects(kube.request({ method: 'GET', path: maps.path(ref) }), (error: unknown) => {
        assert.ok(error instanceof KubeError);
        assert.deepEqual([error.status, error.reason], [404, 'NotFound']);
        assert.equal(error.message, 'configmaps "client" not found');
        return true;
      });
    });
  });

  it('knows what is namespaced, and answers null for an unknown kind or group', async () => {
    await using(cluster.kubeconfig, async (kube) => {
      const [namespace, deployment, unknownKind, unknownGroup, nonsense] = await Promise.all([
        kube.resource('v1', 'Namespace'),
        kube.resource('apps/v1', 'Deployment'),
        kube.resource('apps/v1', 'Ship'),
        kube.resource('ships.example.com/v1', 'Ship'),
        kube.resource('../../etc', 'Ship'),
      ]);
      assert.equal(namespace?.path({ namespace: 'ignored', name: 'a' }), '/api/v1/namespaces/a');
      assert.equal(deployment?.path({ namespace: 'a', name: 'b' }), '/apis/apps/v1/namespaces/a/deployments/b');
      assert.equal(deployment.path(), '/apis/apps/v1/deployments');
      assert.throws(() => deployment.path({ namespace: 'a', name: '..' }), { code: 'SpecInvalid' });
      assert.deepEqual([unknownKind, unknownGroup, nonsense], [null, null, null]);
    });
  });

  it('sends 200 requests in a row through one or two connections and 200 at once through a bounded pool', async () => {
    const server = new URL(parseServer(await readFile(cluster.kubeconfig, 'utf8')));
    const accepted: unknown[] = [];
    const forwarder = createTcpServer((client) => {
      accepted.push(client.remotePort);
      const upstream = connect(Number(server.port), server.hostname);
      client.pipe(upstream).pipe(client);
      for (const socket of [client, upstream]) socket.on('error', () => client.destroy());
    });
    await new Promise<void>((resolve) => forwarder.listen(0, '127.0.0.1', resolve));
    const { port } = forwarder.address() as AddressInfo;
    try {
      const file = await kubeconfig((config) => {
        for (const entry of config.clusters) entry.cluster.server = `https://127.0.0.1:${String(port)}`;
      });
      await using(file, async (kube) => {
        const read = () => kube.request({ method: 'GET', path: '/api/v1/namespaces/default' });
        for (let i = 0; i < 200; i += 1) await read();
        assert.ok(accepted.length <= 2, `${String(accepted.length)} connections`);
        await Promise.all(Array.from({ length: 200 }, read));
        assert.ok(accepted.length <= 66, `${String(accepted.length)} connections`);
      });
    } finally {
      forwarder.close();
    }
  });

  it('watches until its consumer stops, its signal fires or the server ends it', async () => {
    await using(cluster.kubeconfig, async (kube) => {
      const path = `/api/v1/namespaces/${cluster.namespace}/configmaps`;
      const stop = new AbortController();
      const seen: string[] = [];
      const watching = (async () => {
        for await (const event of kube.stream({ method: 'GET', path, query: { watch: true }, signal: stop.signal })) {
          seen.push((event as { object: { metadata: { name: string } } }).object.metadata.name);
          if (seen.at(-1) === 'last') stop.abort();
        }
      })();
      for (const name of ['first', 'last']) {
        await kube.request({ method: 'POST', path, body: { metadata: { name } } });
      }
      await watching;
      assert.deepEqual(
        seen.filter((name) => name !== 'kube-root-ca.crt'),
        ['first', 'last'],
      );
      await next(kube.stream({ method: 'GET', path, query: { watch: true } }));
      await drain(kube.stream({ method: 'GET', path, query: { watch: true, timeoutSeconds: 1 } }));
      await assert.rejects(drain(kube.stream({ method: 'GET', path: '/api/v1/nothing', query: { watch: true } })), {
        name: 'KubeError',
        status: 404,
      });
    });
  });

  it('acts as a service account', async () => {
    await using(cluster.kubeconfig, async (kube) => {
      const review = await kube.request<{ status: { userInfo: { username: string; groups: string[] } } }>({
        method: 'POST',
        path: '/apis/authentication.k8s.io/v1/selfsubjectreviews',
        body: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' },
        as: { namespace: 'team', name: 'deployer' },
      });
      assert.equal(review.status.userInfo.username, 'system:serviceaccount:team:deployer');
      assert.ok(review.status.userInfo.groups.includes('system:serviceaccounts:team'));
    });
  });

  it('authenticates with an exec plugin, and does not repeat what a broken one printed', async () => {
    const token = parseToken(await readFile(cluster.kubeconfig, 'utf8'));
    const plugin = join(folder, 'plugin.sh');
    const credential = { apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential', status: { token } };
    await writeFile(
      plugin,
      `#!/bin/sh\nif [ -n "$BROKEN" ]; then echo canary; echo canary >&2; exit 1; fi\necho '${JSON.stringify(credential)}'\n`,
    );
    await chmod(plugin, 0o700);
    const withPlugin = (env: { name: string; value: string }[]) =>
      kubeconfig((config) => {
        for (const entry of config.users) {
          entry.user = { exec: { apiVersion: 'client.authentication.k8s.io/v1', command: plugin, env } };
        }
      });
    await using(await withPlugin([]), (kube) => kube.request({ method: 'GET', path: '/api/v1/namespaces/default' }));
    const broken = await withPlugin([{ name: 'BROKEN', value: '1' }]);
    await assert.rejects(
      using(broken, (kube) => kube.request({ method: 'GET', path: '/api/v1/namespaces/default' })),
      (error: unknown) => {
        assert.ok(error instanceof Error);
        assert.match(error.message, /^cannot get credentials for the API server at 127\.0\.0\.1:\d+$/);
        return true;
      },
    );
  });

  it('says Unauthorized for a wrong token', async () => {
    const file = await kubeconfig((config) => {
      for (const entry of config.users) entry.user = { token: 'wrong' };
    });
    await assert.rejects(
      using(file, (kube) => kube.request({ method: 'GET', path: '/api/v1/namespaces/default' })),
      { name: 'KubeError', status: 401, reason: 'Unauthorized' },
    );
  });

  const unreachable: {
    name: string;
    answer: (request: IncomingMessage, response: ServerResponse) => void;
    message: RegExp;
  }[] = [
    { name: 'hangs up', answer: (request) => request.socket.destroy(), message: /: (UND_ERR_SOCKET|ECONNRESET)$/ },
    { name: 'answers HTML', answer: (_, response) => response.end('<html>'), message: /: its answer is not JSON$/ },
  ];
  for (const { name, answer, message } of unreachable) {
    it(`is ClusterUnreachable, naming the host, when the server ${name}`, async () => {
      const server = createServer(answer);
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const { port } = server.address() as AddressInfo;
      try {
        const file = await kubeconfig((config) => {
          for (const entry of config.clusters) {
            entry.cluster = { server: `http://127.0.0.1:${String(port)}`, 'insecure-skip-tls-verify': true };
          }
        });
        await assert.rejects(
          using(file, (kube) => kube.request({ method: 'GET', path: '/api/v1' })),
          (error: unknown) => {
            assert.ok(error instanceof Error && 'code' in error);
            assert.equal(error.code, 'ClusterUnreachable');
            assert.match(error.message, new RegExp(`^cannot reach the API server at 127.0.0.1:${String(port)}`));
            assert.match(error.message, message);
            return true;
          },
        );
      } finally {
        server.closeAllConnections();
        server.close();
      }
    });
  }

  it('is ClusterUnreachable for a closed port, and passes an abort on as it is', async () => {
    const file = await kubeconfig((config) => {
      for (const entry of config.clusters) entry.cluster.server = 'https://127.0.0.1:1';
    });
    await assert.rejects(
      using(file, (kube) => kube.request({ method: 'GET', path: '/api/v1' })),
      { code: 'ClusterUnreachable', message: 'cannot reach the API server at 127.0.0.1:1: ECONNREFUSED' },
    );
    const reason = new Error('stop');
    await assert.rejects(
      using(cluster.kubeconfig, (kube) =>
        kube.request({ method: 'GET', path: '/api/v1', signal: AbortSignal.abort(reason) }),
      ),
      reason,
    );
  });

  it('verifies the certificate', async () => {
    const file = await kubeconfig((config) => {
      for (const entry of config.clusters) delete entry.cluster['certificate-authority-data'];
      for (const entry of config.clusters) delete entry.cluster['certificate-authority'];
    });
    await assert.rejects(
      using(file, (kube) => kube.request({ method: 'GET', path: '/api/v1' })),
      { code: 'ClusterUnreachable' },
    );
  });

  const refused: { name: string; text: string | null; context: string | null; message: RegExp }[] = [
    { name: 'a missing file', text: null, context: null, message: /^cannot read kubeconfig .*: ENOENT$/ },
    { name: 'a file that is not YAML', text: '{', context: null, message: /: it is not a kubeconfig$/ },
    {
      name: 'an unknown context',
      text: 'clusters: []\nusers: []\ncontexts: []\n',
      context: 'prod',
      message: /has no context prod with a cluster; it has: none$/,
    },
  ];
  for (const { name, text, context, message } of refused) {
    it(`refuses ${name}`, async () => {
      const file = join(folder, `refused-${name.replaceAll(' ', '-')}`);
      if (text !== null) await writeFile(file, text);
      assert.throws(() => createKube({ kubeconfig: file, context }), { code: 'ClusterUnreachable', message });
    });
  }
});

function parseServer(text: string): string {
  const [first] = (parse(text) as Kubeconfig).clusters;
  assert.ok(first);
  return first.cluster.server;
}

function parseToken(text: string): string {
  const token = (parse(text) as Kubeconfig).users[0]?.user.token;
  assert.ok(token !== undefined, 'the kubeconfig of the test cluster has a token');
  return token;
}

/** Takes one event and leaves. */
async function next(events: AsyncIterable<unknown>): Promise<unknown> {
  for await (const event of events) return event;
  return undefined;
}

async function drain(events: AsyncIterable<unknown>): Promise<number> {
  let count = 0;
  for await (const event of events) count += event === null ? 0 : 1;
  return count;
}
