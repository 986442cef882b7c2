/** etcd, kube-apiserver, kube-controller-manager, kube-scheduler and kwok as one. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { runKubectl } from './kubectl.ts';
import { etcd } from './services/etcd.ts';
import { apiserverAccess, kubeApiserver, writeKubeconfig } from './services/kube-apiserver.ts';
import { kubeControllerManager } from './services/kube-controller-manager.ts';
import { kubeScheduler } from './services/kube-scheduler.ts';
import { kwok, NODE } from './services/kwok.ts';
import type { Service } from './services/service.ts';

export interface ControlPlaneOptions {
  readonly bin: string;
  /** Holds one folder per service that keeps something. */
  readonly data: string;
  readonly logs: string;
  readonly home: string;
  readonly kubeconfig: string;
  readonly ports: { readonly kubernetes: number; readonly etcd: number; readonly etcdPeer: number };
  readonly fsync: 'yes' | 'no';
  /** Called as soon as the kubeconfig is there; the API server may not answer yet. */
  readonly onKubeconfig?: () => void;
}

/** Starts a service and answers once it serves; how, and whether it is restarted later, is the caller's affair. */
export type Start = (service: Service) => Promise<void>;

/** Comes back when pods can be scheduled and namespaces have their service account. */
export async function startControlPlane(options: ControlPlaneOptions, start: Start): Promise<void> {
  const { bin, data, logs, home, kubeconfig, ports } = options;
  const folders = { bin, logs, home };
  const apiserverData = join(data, 'kube-apiserver');
  const access = apiserverAccess(apiserverData, ports.kubernetes);
  await start(
    etcd({ ...folders, data: join(data, 'etcd'), port: ports.etcd, peerPort: ports.etcdPeer, fsync: options.fsync }),
  );
  const apiserver = start(
    kubeApiserver({ ...folders, data: apiserverData, port: ports.kubernetes, etcdPort: ports.etcd }),
  );
  // The clients can be on their way as soon as the certificate is there; they wait for the server themselves.
  await Promise.race([apiserver, isWritten(access.caFile)]);
  writeKubeconfig(kubeconfig, access);
  options.onKubeconfig?.();
  await apiserver;
  await Promise.all([
    start(kubeControllerManager({ ...folders, kubeconfig, access })),
    start(kubeScheduler({ ...folders, kubeconfig })),
    start(kwok({ ...folders, kubeconfig })),
    runKubectl({ bin, home, kubeconfig }, ['apply', '--server-side', '-f', '-'], JSON.stringify(NODE)),
  ]);
  await Promise.all([hasServiceAccount(options), isNodeReady(options)]);
}

const WAIT_MS = 30_000;

/** The server creates the file before it fills it: a kubeconfig made in between would trust nobody. */
async function isWritten(file: string): Promise<void> {
  const deadline = Date.now() + WAIT_MS;
  while (!(await isWhole(file)) && Date.now() < deadline) await delay(20, undefined, { ref: false });
}

async function isWhole(file: string): Promise<boolean> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text.trimEnd().endsWith('-----END CERTIFICATE-----');
}

function isNodeReady({ bin, home, kubeconfig }: ControlPlaneOptions): Promise<unknown> {
  return runKubectl({ bin, home, kubeconfig }, [
    'wait',
    `node/${NODE.metadata.name}`,
    '--for=condition=Ready',
    '--timeout=30s',
  ]);
}

async function hasServiceAccount({ bin, home, kubeconfig }: ControlPlaneOptions): Promise<void> {
  await runKubectl({ bin, home, kubeconfig }, [
    'wait',
    'serviceaccount/default',
    '--for=create',
    '--namespace=default',
    '--timeout=30s',
  ]);
}
