/** HelmRepositories and the real registry, as activities see them. */
import assert from 'node:assert/strict';
import { checkHelmRepository } from '../../../activities/check-helm-repository.ts';
import { HoldfastError } from '../../../activities/failures.ts';
import { readHelmRelease } from '../../../activities/kube/helm-release.ts';
import { prepareChart } from '../../../activities/prepare-chart.ts';
import { callOf, useReleases, type Releases } from '../helm/releases.ts';

const API = 'helm-operator.ketches.cn/v1alpha1';

/** Names the login of the shared registry, which every scene has. */
export const WITH_LOGIN = { basic: { secretRef: { name: 'login' } } };

export interface RegistryScene {
  readonly releases: Releases;
  readonly namespace: string;
  secret(name: string, stringData: Readonly<Record<string, string>>): Promise<void>;
  repository(name: string, url: string, spec: Readonly<Record<string, unknown>>): Promise<void>;
  /** What the pull of a chart by a HelmRepository comes to: the version, or a failure. */
  pull(name: string, version?: string): Promise<unknown>;
  /** The same of what a HelmRelease of that name says of its chart. */
  pullChart(name: string, chart: Readonly<Record<string, unknown>>): Promise<unknown>;
  /** What the check of a new HelmRepository for `oci://<host>/<folder>` finds, and what the pull by it comes to. */
  reach(name: string, host: string, spec: Readonly<Record<string, unknown>>): Promise<unknown[]>;
}

export async function useRegistryScene(folder: string, tlsFiles: string | null = null): Promise<RegistryScene> {
  const releases = await useReleases(tlsFiles);
  const namespace = await releases.addNamespace(folder);
  const self: RegistryScene = {
    releases,
    namespace,
    async secret(name, stringData) {
      await releases.apply({ apiVersion: 'v1', kind: 'Secret', metadata: { namespace, name }, stringData });
    },
    async repository(name, url, spec) {
      const metadata = { namespace, name };
      await releases.apply({ apiVersion: API, kind: 'HelmRepository', metadata, spec: { url, type: 'oci', ...spec } });
    },
    pull: (name, version = '1.0.0') => self.pullChart(name, { name: 'app', version, repository: { name } }),
    async pullChart(name, chart) {
      const ref = { namespace, name };
      await releases.apply({ apiVersion: API, kind: 'HelmRelease', metadata: ref, spec: { chart } });
      const read = await readHelmRelease(releases.kube, ref);
      assert.ok(read?.spec);
      return prepareChart(releases.tools, read.spec, { namespace, call: callOf() }).then(
        ({ about }) => about.version,
        toFailure,
      );
    },
    async reach(name, host, spec) {
      await self.repository(name, `oci://${host}/${folder}`, spec);
      const workflowId = `local/helmrepository/${namespace}/${name}`;
      const input = { cluster: releases.cluster, ref: { namespace, name }, workflowId };
      const seen = await checkHelmRepository(releases.tools, input, callOf());
      return [seen?.failure, await self.pull(name)];
    },
  };
  const { user: username, password } = releases.stack.registryLogin;
  await self.secret('login', { username, password });
  return self;
}

function toFailure(error: unknown): unknown {
  assert.ok(error instanceof HoldfastError);
  return { code: error.code, message: error.message };
}

/** Check and pull fail, for the same reason. */
export const both = (failure: { code: string; message: string }): unknown[] => [failure, failure];
