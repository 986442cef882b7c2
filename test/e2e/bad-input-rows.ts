/** What people get wrong in a HelmRelease, and what they read of it there. */
import { CANARY, type Spec, type Told } from './bad-stage.ts';

const DEEP = 10_000;
const LEVELS = /^spec\.values cannot be used: line \d is nested deeper than 128 levels$/;

export const ROWS: Readonly<Record<string, Told & { readonly spec: () => Spec }>> = {
  'values that are no YAML': {
    spec: () => ({ values: `message: one\nother: [${CANARY}\n` }),
    reason: 'ValuesInvalid',
    message: /^spec\.values cannot be used: line 3, column 1: /,
    stalled: true,
  },
  'values that are no map': {
    spec: () => ({ values: `- ${CANARY}\n` }),
    reason: 'ValuesInvalid',
    message: /^spec\.values cannot be used: they are a list, not a mapping$/,
    stalled: true,
  },
  'values 10,000 brackets deep': {
    spec: () => ({ values: `message: ${'['.repeat(DEEP)}${CANARY}${']'.repeat(DEEP)}\n` }),
    reason: 'ValuesInvalid',
    message: LEVELS,
    stalled: true,
  },
  'values 10,000 lists deep': {
    spec: () => ({ values: `message:\n${'- '.repeat(DEEP)}${CANARY}\n` }),
    reason: 'ValuesInvalid',
    message: LEVELS,
    stalled: true,
  },
  'values 10,000 brackets deep, once more': {
    spec: () => ({ values: `other: ${'['.repeat(DEEP)}${CANARY}${']'.repeat(DEEP)}\n` }),
    reason: 'ValuesInvalid',
    message: LEVELS,
    stalled: true,
  },
  'a chart that does not exist': {
    spec: () => ({ chart: 'absent' }),
    reason: 'ChartNotFound',
    message: /^chart absent 1\.0\.0 is not at oci:\/\/\S+\/charts\/absent; list what is: oras repo tags \S+\/absent$/,
  },
  'a version that does not exist': {
    spec: () => ({ version: '9.9.9' }),
    reason: 'ChartNotFound',
    message: /^chart app 9\.9\.9 is not at oci:\/\/\S+\/charts\/app; list what is: oras repo tags \S+\/charts\/app$/,
  },
  'values that break the schema of the chart': {
    spec: () => ({ values: `replicas: ${CANARY}\n` }),
    reason: 'ValuesInvalid',
    message: /^the values do not fit the schema of the chart: app: at '\/replicas': got string, want integer$/,
    stalled: true,
  },
  'a chart that does not render': {
    spec: () => ({ chart: 'broken', values: `message: ${CANARY}\n` }),
    reason: 'RenderFailed',
    message: /^the chart cannot be rendered with these values: .*broken\/templates\/broken\.yaml:1:\d+\): ••• is wrong/,
  },
  'a namespace that does not exist': {
    spec: () => ({ release: { name: 'app', namespace: 'nowhere' } }),
    reason: 'NamespaceNotFound',
    message:
      /^create the namespace of the release, or let spec\.release\.createNamespace do it: .*"nowhere" not found$/,
  },
  'an unreachable registry': {
    spec: () => ({ at: 'oci://127.0.0.1:1/charts' }),
    reason: 'RegistryUnreachable',
    message: /^cannot reach registry 127\.0\.0\.1:1: connection refused$/,
  },
};
