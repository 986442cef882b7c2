import type { Desired } from '../../workflows/core/model.ts';
import type { TestPolicy } from '../../workflows/core/test-model.ts';
import type { HelmReleaseFields } from './schema.ts';

/** `spec.test`, as Flux means it. */
export interface HelmTests extends TestPolicy {
  readonly enable: boolean;
  readonly filters: readonly { readonly name: string; readonly exclude: boolean }[];
}

/** The general timeout counts where `spec.test` has none. */
export function compileTests(fields: HelmReleaseFields, toMs: (text: string | null | undefined) => number): HelmTests {
  const { enable, timeout, filters } = fields.test ?? {};
  return {
    enable: enable === true,
    timeoutMs: toMs(timeout == null || timeout === '' ? fields.timeout : timeout),
    ignoreFailures: ignoredOf(fields),
    filters: (filters ?? []).map(({ name, exclude }) => ({ name, exclude: exclude === true })),
  };
}

function ignoredOf({ test, install, upgrade }: HelmReleaseFields): TestPolicy['ignoreFailures'] {
  const general = test?.ignoreFailures === true;
  return {
    install: install?.remediation?.ignoreTestFailures ?? general,
    upgrade: upgrade?.remediation?.ignoreTestFailures ?? general,
  };
}

/** What workflows have to know of it. */
export function testPolicyOf({ enable, timeoutMs, ignoreFailures }: HelmTests): Pick<Desired, 'test'> {
  return enable ? { test: { timeoutMs, ignoreFailures } } : {};
}
