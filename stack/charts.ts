/** Puts the example charts into the embedded registry. */
import { readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { packChart, pushArchive } from './chart-archive.ts';
import type { Login } from './services/registry.ts';
import { CHECKOUT, type State } from './state.ts';

const CHARTS = join(CHECKOUT, 'examples', 'charts');
/** The same templates twice, so that there is something to upgrade to. */
const VERSIONS = ['1.0.0', '1.1.0'] as const;

/** What is there already stays: packing it again would give a tag another digest and every release an upgrade. */
export async function pushCharts(state: State, registry: string, login: Login): Promise<void> {
  for (const name of readdirSync(CHARTS)) {
    for (const version of VERSIONS) {
      if (!(await isPushed(`http://${registry}/v2/charts/${name}/manifests/${version}`, login))) {
        await pushChart(state, registry, { name, version, login });
      }
    }
  }
}

async function isPushed(url: string, login: Login): Promise<boolean> {
  const response = await fetch(url, {
    method: 'HEAD',
    headers: { accept: 'application/vnd.oci.image.manifest.v1+json', authorization: basic(login) },
  });
  if (response.status === 404) return false;
  if (response.ok) return true;
  throw new Error(`registry: ${url} answered ${response.status}`);
}

interface Chart {
  readonly name: string;
  readonly version: string;
  readonly login: Login;
}

async function pushChart(state: State, registry: string, { name, version, login }: Chart): Promise<void> {
  const archive = await packChart(state, join(CHARTS, name), version);
  try {
    await pushArchive(state, archive, { registry, folder: 'charts', login });
  } finally {
    rmSync(dirname(archive), { recursive: true, force: true });
  }
}

function basic({ user, password }: Login): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}
