import { generateKeyPairSync, randomBytes, X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:https';
import { join } from 'node:path';
import { bareEnvironment, type Service, type ServiceFolders } from './service.ts';

export interface ApiserverOptions extends ServiceFolders {
  readonly port: number;
  readonly etcdPort: number;
}

/** What clients of the API server need; the token is that of a member of `system:masters`. */
export interface ApiserverAccess {
  readonly url: string;
  readonly token: string;
  /** PEM of the chain that the server made for itself. Written by the server when it first starts. */
  readonly caFile: string;
  readonly serviceAccountKey: string;
}

const DAY_MS = 86_400_000;

export function apiserverAccess(data: string, port: number): ApiserverAccess {
  mkdirSync(data, { recursive: true, mode: 0o700 });
  const tokenFile = join(data, 'admin-token');
  if (!existsSync(tokenFile)) writeFileSync(tokenFile, randomBytes(32).toString('hex'), { mode: 0o600 });
  return {
    url: `https://127.0.0.1:${port}`,
    token: readFileSync(tokenFile, 'utf8'),
    caFile: join(data, 'certificates', 'apiserver.crt'),
    serviceAccountKey: join(data, 'service-account.key'),
  };
}

export function kubeApiserver({ bin, data, logs, home, port, etcdPort }: ApiserverOptions): Service {
  const access = apiserverAccess(data, port);
  const tokens = join(data, 'tokens.csv');
  writeFileSync(tokens, `${access.token},admin,admin,system:masters\n`, { mode: 0o600 });
  writeServiceAccountKey(access.serviceAccountKey);
  dropExpiringCertificate(access.caFile);
  return {
    process: {
      name: 'kube-apiserver',
      command: join(bin, 'kube-apiserver'),
      args: [
        `--etcd-servers=http://127.0.0.1:${etcdPort}`,
        '--bind-address=127.0.0.1',
        '--advertise-address=127.0.0.1',
        `--secure-port=${port}`,
        `--cert-dir=${join(data, 'certificates')}`,
        `--token-auth-file=${tokens}`,
        '--anonymous-auth=false',
        '--authorization-mode=RBAC',
        '--service-cluster-ip-range=10.96.0.0/16',
        '--service-account-issuer=https://kubernetes.default.svc',
        `--service-account-key-file=${access.serviceAccountKey}`,
        `--service-account-signing-key-file=${access.serviceAccountKey}`,
        // There is no network to reconcile endpoints for, and 127.0.0.1 would be refused as one.
        '--endpoint-reconciler-type=none',
        // It taints new nodes until the node lifecycle controller, which does not run here, clears them.
        '--disable-admission-plugins=TaintNodesByCondition',
        '--enable-priority-and-fairness=false',
        '--max-requests-inflight=2000',
        '--max-mutating-requests-inflight=1000',
        '--event-ttl=24h',
        '--profiling=false',
        '--v=1',
      ],
      env: bareEnvironment(home),
      log: join(logs, 'kube-apiserver.log'),
    },
    isReady: () => isReady(access),
  };
}

/** A JWT is only as good as its key, so the key outlives restarts. */
function writeServiceAccountKey(file: string): void {
  if (existsSync(file)) return;
  const { privateKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'sec1', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  writeFileSync(file, privateKey, { mode: 0o600 });
}

/** The server makes its certificate when it finds none, for a year. */
function dropExpiringCertificate(file: string): void {
  if (!existsSync(file)) return;
  const { validTo } = new X509Certificate(readFileSync(file));
  if (Date.parse(validTo) < Date.now() + 30 * DAY_MS) rmSync(file);
}

async function isReady({ url, token, caFile }: ApiserverAccess): Promise<boolean> {
  const options = {
    ca: readFileSync(caFile),
    headers: { authorization: `Bearer ${token}` },
    signal: AbortSignal.timeout(2000),
    agent: false,
  };
  return new Promise((resolve, reject) => {
    get(`${url}/readyz`, options, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    }).on('error', reject);
  });
}

/** A kubeconfig for one cluster, with the server's own CA inside, readable by its owner only. */
export function writeKubeconfig(file: string, { url, token, caFile }: ApiserverAccess): void {
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'holdfast',
    clusters: [
      {
        name: 'holdfast',
        cluster: { server: url, 'certificate-authority-data': readFileSync(caFile).toString('base64') },
      },
    ],
    users: [{ name: 'admin', user: { token } }],
    contexts: [{ name: 'holdfast', context: { cluster: 'holdfast', user: 'admin' } }],
  };
  // JSON is YAML.
  writeFileSync(file, `${JSON.stringify(config, null, 2)}\n`, { mode: 0o600 });
}
