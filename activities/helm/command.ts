import type { ObjectRef } from '../../workflows/core/ids.ts';

/** How helm reaches the cluster. Null file: as a pod of it. */
export interface KubeAccess {
  readonly file: string | null;
  readonly context: string | null;
  /** The service account whose rights count; absent or null: those of the kubeconfig. */
  readonly as?: ObjectRef | null;
}

interface Waiting {
  readonly timeoutMs: number;
  readonly waitForJobs: boolean;
  readonly disableHooks: boolean;
  /** Helm waits for the objects itself: hooks come after them, or it was asked to. */
  readonly helmWaits: false | 'watcher' | 'legacy';
}

interface Writing {
  readonly release: ObjectRef;
  readonly access: KubeAccess;
  /** File of the chart's archive. */
  readonly chart: string;
  /** File of the values. */
  readonly values: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Name of the plugin that changes what was rendered; null: nothing does. */
  readonly postRenderer: string | null;
}

export interface InstallCommand extends Writing, Waiting {
  readonly createNamespace: boolean;
  readonly skipCRDs: boolean;
  readonly replace: boolean;
  readonly serverSideApply: 'enabled' | 'disabled';
}

export interface UpgradeCommand extends Writing, Waiting {
  readonly force: boolean;
  readonly reuseValues: boolean;
  readonly maxHistory: number;
  readonly cleanupOnFail: boolean;
  readonly serverSideApply: 'enabled' | 'disabled' | 'auto';
}

export interface RollbackCommand extends Waiting {
  readonly release: ObjectRef;
  readonly access: KubeAccess;
  readonly toRevision: number;
  readonly force: boolean;
  readonly serverSideApply: 'enabled' | 'disabled' | 'auto';
  readonly maxHistory: number;
  readonly cleanupOnFail: boolean;
}

export interface UninstallCommand {
  readonly release: ObjectRef;
  readonly access: KubeAccess;
  readonly timeoutMs: number;
  readonly disableHooks: boolean;
}

export interface TestCommand {
  readonly release: ObjectRef;
  readonly access: KubeAccess;
  readonly timeoutMs: number;
  readonly filters: readonly TestFilter[];
}

/** Runs the test of that name only, or all but it. */
export interface TestFilter {
  readonly name: string;
  readonly exclude: boolean;
}

/** Every flag is written `--flag=value`, so that no value can be taken for a flag; names stand behind `--`. */
export function installArgs(command: InstallCommand): readonly string[] {
  return [
    'install',
    ...common(command),
    ...writing(command),
    ...waiting(command),
    ...APPLY[command.serverSideApply],
    ...flags({
      '--create-namespace': command.createNamespace,
      '--skip-crds': command.skipCRDs,
      '--replace': command.replace,
    }),
    ...positional(command),
  ];
}

export function upgradeArgs(command: UpgradeCommand): readonly string[] {
  return [
    'upgrade',
    ...common(command),
    ...writing(command),
    ...waiting(command),
    ...(command.force ? REPLACE : APPLY[command.serverSideApply]),
    command.reuseValues ? '--reuse-values' : '--reset-values',
    `--history-max=${command.maxHistory}`,
    ...flags({ '--cleanup-on-fail': command.cleanupOnFail }),
    ...positional(command),
  ];
}

export function rollbackArgs(command: RollbackCommand): readonly string[] {
  return [
    'rollback',
    ...common(command),
    ...waiting(command),
    ...(command.force ? REPLACE : APPLY[command.serverSideApply]),
    `--history-max=${command.maxHistory}`,
    ...flags({ '--cleanup-on-fail': command.cleanupOnFail }),
    '--',
    command.release.name,
    String(command.toRevision),
  ];
}

/** The history is always kept: the record says which objects must be gone before it may go as well. */
export function uninstallArgs(command: UninstallCommand): readonly string[] {
  return [
    'uninstall',
    ...common(command),
    '--keep-history',
    '--wait=hookOnly',
    '--cascade=background',
    `--timeout=${command.timeoutMs}ms`,
    ...flags({ '--no-hooks': command.disableHooks }),
    '--',
    command.release.name,
  ];
}

/** Their logs are not asked for: what a test prints may hold secrets. */
export function testArgs({ release, access, timeoutMs, filters }: TestCommand): readonly string[] {
  return [
    'test',
    ...common({ release, access }),
    `--timeout=${timeoutMs}ms`,
    ...filters.map(({ name, exclude }) => `--filter=${exclude ? '!' : ''}name=${name}`),
    '--',
    release.name,
  ];
}

/** What a chart renders to, hooks included; only to find out when its hooks run. */
export function templateArgs(
  command: InstallCommand | UpgradeCommand,
  action: 'install' | 'upgrade',
): readonly string[] {
  return [
    'template',
    ...common(command),
    `--values=${command.values}`,
    '--skip-tests',
    '--dry-run=server',
    ...flags({ '--is-upgrade': action === 'upgrade' }),
    ...positional(command),
  ];
}

const APPLY = {
  /** Git wins: fields that another hand has set meanwhile are taken over. */
  enabled: ['--server-side=true', '--force-conflicts'],
  disabled: ['--server-side=false'],
  /** Helm refuses to force conflicts when the revision before was not applied on the server. */
  auto: ['--server-side=auto'],
} as const;
/** Objects are replaced; helm refuses this together with server-side apply. */
const REPLACE = ['--server-side=false', '--force-replace'] as const;

function common({ release, access }: { readonly release: ObjectRef; readonly access: KubeAccess }): readonly string[] {
  return [
    `--namespace=${release.namespace}`,
    ...(access.file === null ? [] : [`--kubeconfig=${access.file}`]),
    ...(access.context === null ? [] : [`--kube-context=${access.context}`]),
    // The API server adds the groups of a service account by itself.
    ...(access.as == null ? [] : [`--kube-as-user=system:serviceaccount:${access.as.namespace}:${access.as.name}`]),
  ];
}

/** The API server validates what is applied; helm's own check only costs time and memory. */
function writing({ values, labels, postRenderer }: Writing): readonly string[] {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}=${value}`);
  return [
    `--values=${values}`,
    `--labels=${pairs.join(',')}`,
    '--disable-openapi-validation',
    '--hide-notes',
    ...(postRenderer === null ? [] : [`--post-renderer=${postRenderer}`]),
  ];
}

/** `--wait-for-jobs` means nothing to helm unless it waits. */
function waiting({ timeoutMs, waitForJobs, disableHooks, helmWaits }: Waiting): readonly string[] {
  return [
    `--timeout=${timeoutMs}ms`,
    `--wait=${helmWaits === false ? 'hookOnly' : helmWaits}`,
    ...flags({ '--wait-for-jobs': helmWaits !== false && waitForJobs, '--no-hooks': disableHooks }),
  ];
}

function flags(wanted: Readonly<Record<string, boolean>>): readonly string[] {
  return Object.entries(wanted).flatMap(([flag, on]) => (on ? [flag] : []));
}

function positional({ release, chart }: Pick<Writing, 'release' | 'chart'>): readonly string[] {
  return ['--', release.name, chart];
}
