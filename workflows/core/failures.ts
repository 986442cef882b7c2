/**
 * What the loop does next about an error.
 *
 * `stalled`: only a change of the desired spec can mend it. `waiting`: the outside may mend it by itself (a rotated
 * Secret, a published version). `transient`: a hiccup of network or server.
 */
export type Disposition = 'stalled' | 'waiting' | 'transient';

/** Every reason that Holdfast gives, and its disposition. The one list: conditions, Events, API and docs read it. */
export const FAILURES = {
  // the spec
  SpecInvalid: 'stalled',
  ValuesInvalid: 'stalled',
  FieldNotSupported: 'stalled',
  ReleaseNameTaken: 'waiting',
  NamespaceNotFound: 'waiting',
  // sources and references
  ValuesSourceNotFound: 'waiting',
  ValuesSourceInvalid: 'waiting',
  RepositoryNotFound: 'waiting',
  RepositoryAmbiguous: 'stalled',
  CrossNamespaceDenied: 'stalled',
  DependencyNotReady: 'waiting',
  DependencyMissing: 'waiting',
  DependencyDeleted: 'waiting',
  DependencyCycle: 'waiting',
  DependantsRemain: 'waiting',
  SecretNotFound: 'waiting',
  SecretInvalid: 'waiting',
  AuthRejected: 'waiting',
  AuthRequired: 'waiting',
  CloudIdentityMissing: 'waiting',
  CloudRejected: 'waiting',
  CloudUnreachable: 'transient',
  IndexInvalid: 'waiting',
  ChartNotFound: 'waiting',
  ChartInvalid: 'waiting',
  DigestMismatch: 'waiting',
  RateLimited: 'waiting',
  RegistryTlsRejected: 'waiting',
  RegistryUnreachable: 'transient',
  // Git
  GitUnreachable: 'transient',
  GitAuthRejected: 'waiting',
  GitRefNotFound: 'waiting',
  GitPathNotFound: 'waiting',
  GitUrlInvalid: 'stalled',
  GitNotFound: 'waiting',
  GitRedirected: 'stalled',
  GitTlsRejected: 'waiting',
  GitTooLarge: 'waiting',
  GitContentInvalid: 'waiting',
  ManifestInvalid: 'waiting',
  ApplyFailed: 'waiting',
  OwnedByAnother: 'waiting',
  PruneConfirmationRequired: 'waiting',
  // the cluster
  ClusterUnreachable: 'transient',
  ClusterMismatch: 'stalled',
  Forbidden: 'waiting',
  Conflict: 'transient',
  ObjectGone: 'waiting',
  FinalizersRemain: 'waiting',
  // helm
  RenderFailed: 'waiting',
  HelmFailed: 'waiting',
  InstallFailed: 'waiting',
  UpgradeFailed: 'waiting',
  RollbackFailed: 'waiting',
  TestFailed: 'waiting',
  UninstallFailed: 'waiting',
  RolledBack: 'stalled',
  RetriesExceeded: 'stalled',
  MissingRollbackTarget: 'stalled',
  WaitTimedOut: 'waiting',
  DriftContested: 'waiting',
  DriftNotCorrected: 'waiting',
  NotReady: 'waiting',
  RecordLocked: 'waiting',
  Interrupted: 'transient',
  DiskFull: 'transient',
  Unexpected: 'transient',
} as const satisfies Record<string, Disposition>;

export type FailureCode = keyof typeof FAILURES;

/** An error as it may be shown and stored: a code for machines, a redacted sentence for people. */
export interface Failure {
  readonly code: FailureCode;
  readonly message: string;
}

/** Tells whether a string taken from a Temporal failure's `type` is one of our codes. */
export function isFailureCode(value: string | null | undefined): value is FailureCode {
  return typeof value === 'string' && Object.hasOwn(FAILURES, value);
}
