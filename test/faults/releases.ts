/** What is declared for a case: a chart whose values bring its release to the moment, and keep it there. */
import { pushChart } from '../support/chart.ts';
import { helmRelease, type Holdfast } from '../support/holdfast.ts';
import { nameOf, type Action, type Case } from './cases.ts';

/** What was there before, and what is declared in the end. */
const VERSIONS = { before: '1.0.0', declared: '1.1.0' } as const;
type Which = keyof typeof VERSIONS;

/** A Job for each event of `hooks`; one whose end is `never` lasts until its pod loses the label. */
const HOOKS = `{{- range $event, $end := .Values.hooks }}
---
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ $.Release.Name }}-{{ $event }}
  annotations:
    helm.sh/hook: {{ $event }}
    helm.sh/hook-delete-policy: before-hook-creation
spec:
  backoffLimit: 0
  template:
    metadata:
      labels: { job: {{ $.Release.Name }}-hook, holdfast.dev/test-ready: {{ $end }} }
    spec:
      restartPolicy: Never
      containers: [{ name: hook, image: registry.example.com/hook:1 }]
{{- end }}
`;

const CONFIG = `apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}
  {{- with .Values.finalizers }}
  finalizers: {{ toJson . }}
  {{- end }}
data:
  message: {{ .Values.message | quote }}
`;

/** Refused by the API server, and the last object that helm writes: an upgrade that writes all and fails. */
const BROKEN = `{{- if .Values.broken }}
apiVersion: batch/v1
kind: CronJob
metadata:
  name: {{ .Release.Name }}
spec:
  schedule: never
  jobTemplate: { spec: { template: { spec: { restartPolicy: Never, containers: [{ name: a, image: a }] } } } }
{{- end }}
`;

export async function pushVersions({ stack }: Holdfast, name: string): Promise<void> {
  const files = { 'templates/hooks.yaml': HOOKS, 'templates/config.yaml': CONFIG, 'templates/broken.yaml': BROKEN };
  for (const version of Object.values(VERSIONS)) await pushChart(stack, { name, version, files });
}

/** A chart that is in the worker's cache is not pulled. */
export function chartOf(one: Case): string {
  return one.moment === 'pull' ? nameOf(one) : 'app';
}

/** How Helm calls the hooks of an action. */
const EVENTS: Readonly<Record<Action, string>> = {
  install: 'install',
  upgrade: 'upgrade',
  rollback: 'rollback',
  uninstall: 'delete',
  unlock: 'upgrade',
  test: 'test',
  correction: '',
};

/** Hooks before and after the action, and how each ends. */
export function hooksOf({ action, moment }: Case): Readonly<Record<string, 'never' | 'at-once'>> {
  if (action === 'correction') return {};
  const event = EVENTS[action];
  const before = moment === 'hook' || action === 'unlock' ? 'never' : 'at-once';
  if (action === 'test') return { [event]: before };
  if (moment === 'postHook') return { [`pre-${event}`]: before, [`post-${event}`]: 'never' };
  // With a hook after the action helm waits itself, and ends when everything has happened.
  if (moment === 'report' && action !== 'unlock') return { [`pre-${event}`]: before, [`post-${event}`]: 'at-once' };
  return { [`pre-${event}`]: before };
}

const NEVER_READY = { 'holdfast.dev/test-ready': 'never' };

/** What is uninstalled does not go. */
const FINALIZERS = ['holdfast.dev/test-stays'];

/** What is to be tested is there before; then only the tests are asked for. */
function declares({ action }: Case, which: Which): Which {
  return action === 'test' ? 'declared' : which;
}

/** A rollback and an uninstall deal with what was there before; the others with what is declared. */
function valuesOf(one: Case, asked: Which): object {
  const { action, moment } = one;
  const which = declares(one, asked);
  const subject = action === 'rollback' || action === 'uninstall' ? 'before' : 'declared';
  const waits = moment === 'wait' && which === subject;
  return {
    message: which,
    hooks: which === subject ? hooksOf(one) : {},
    podLabels: waits && action !== 'uninstall' ? NEVER_READY : {},
    finalizers: waits && action === 'uninstall' ? FINALIZERS : [],
    broken: action === 'rollback' && which === 'declared',
  };
}

export function releaseFor(one: Case, which: Which, registry: string): object {
  const name = chartOf(one);
  const version = VERSIONS[declares(one, which)];
  return helmRelease(
    [nameOf(one), 'app'],
    { name, version, url: `oci://${registry}/charts/${name}` },
    {
      values: JSON.stringify(valuesOf(one, which)),
      // Hooks and waits last until they are ended.
      timeout: '1h',
      rollback: { enabled: one.action === 'rollback' },
      test: { enable: one.action === 'test' && which === 'declared' },
      driftDetection: { mode: one.action === 'correction' ? 'enabled' : 'disabled' },
    },
  );
}
