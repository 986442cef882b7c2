/** What the API server may send us: only the fields that we read. */
import { z } from 'zod';
import { REMEDIES } from '../../workflows/core/model.ts';

/** Body of an answer of 400 and more. */
export const Status = z.object({ reason: z.string().optional(), message: z.string().optional() });

export const ResourceList = z.object({
  resources: z.array(z.object({ name: z.string(), kind: z.string(), namespaced: z.boolean() })),
});

const ObjectMeta = z.object({
  name: z.string(),
  namespace: z.string(),
  uid: z.string(),
  generation: z.number(),
  resourceVersion: z.string().optional(),
  deletionTimestamp: z.string().optional(),
  finalizers: z.array(z.string()).optional(),
  labels: z.record(z.string(), z.string()).optional(),
  annotations: z.record(z.string(), z.string()).optional(),
});

/** An object of ours before its spec is looked at. */
export const AnyObject = z.object({
  metadata: ObjectMeta,
  spec: z.unknown().optional(),
  status: z.unknown().optional(),
});
export type AnyObject = z.infer<typeof AnyObject>;
/** What `readOrNull` answers. */
export const AnyObjectOrNull = AnyObject.nullable();

const flag = z.boolean().nullish();
const text = z.string().nullish();
const FailureStrategy = z
  .object({ name: z.enum(['RemediateOnFailure', 'RetryOnFailure']), retryInterval: text })
  .nullish();
const reference = z.object({ name: z.string(), namespace: text });

/** A part of the values that lies in another object of the same namespace. */
export const ValuesReference = z.object({
  kind: z.enum(['ConfigMap', 'Secret']),
  name: z.string().min(1),
  valuesKey: text,
  targetPath: text,
  optional: flag,
  literal: flag,
});
export type ValuesReference = z.infer<typeof ValuesReference>;

const texts = z.record(z.string(), z.string()).nullish();

const DriftTarget = z.object({
  group: text,
  version: text,
  kind: text,
  name: text,
  namespace: text,
  labelSelector: text,
  annotationSelector: text,
});
export type DriftTarget = z.infer<typeof DriftTarget>;

const DriftDetection = z.object({
  mode: z.enum(['enabled', 'warn', 'disabled']).nullish(),
  ignore: z.array(z.object({ paths: z.array(z.string()), target: DriftTarget.nullish() })).nullish(),
});
export type DriftDetection = z.infer<typeof DriftDetection>;

/** `spec` of a HelmRelease as people write it: everything but the chart may be absent. */
export const HelmReleaseFields = z.object({
  chart: z.object({
    name: z.string().min(1),
    version: text,
    ociRepository: text,
    repository: reference.nullish(),
    repositoryURL: text,
  }),
  release: z.object({ name: text, namespace: text, createNamespace: flag }).nullish(),
  values: text,
  valuesFrom: z.array(ValuesReference).nullish(),
  valuesObject: z.record(z.string(), z.unknown()).nullish(),
  serviceAccountName: text,
  timeout: text,
  maxHistory: z.number().int().nullish(),
  waitStrategy: z.object({ name: z.enum(['poller', 'legacy']) }).nullish(),
  install: z
    .object({
      timeout: text,
      wait: flag,
      waitForJobs: flag,
      skipCRDs: flag,
      disableHooks: flag,
      serverSideApply: flag,
      strategy: FailureStrategy,
      remediation: z
        .object({ retries: z.number().int().nullish(), remediateLastFailure: flag, ignoreTestFailures: flag })
        .nullish(),
    })
    .nullish(),
  upgrade: z
    .object({
      timeout: text,
      wait: flag,
      waitForJobs: flag,
      force: flag,
      resetValues: flag,
      reuseValues: flag,
      recreate: flag,
      maxHistory: z.number().int().nullish(),
      cleanupOnFail: flag,
      disableHooks: flag,
      serverSideApply: z.enum(['enabled', 'disabled', 'auto']).nullish(),
      strategy: FailureStrategy,
      remediation: z
        .object({
          retries: z.number().int().nullish(),
          strategy: z.enum(REMEDIES).nullish(),
          remediateLastFailure: flag,
          ignoreTestFailures: flag,
        })
        .nullish(),
    })
    .nullish(),
  uninstall: z.object({ timeout: text, disableHooks: flag, keepHistory: flag }).nullish(),
  rollback: z
    .object({
      enabled: flag,
      toRevision: z.number().int().nullish(),
      timeout: text,
      wait: flag,
      cleanupOnFail: flag,
      force: flag,
      disableHooks: flag,
    })
    .nullish(),
  driftDetection: DriftDetection.nullish(),
  test: z
    .object({
      enable: flag,
      timeout: text,
      ignoreFailures: flag,
      filters: z.array(z.object({ name: z.string().min(1), exclude: flag })).nullish(),
    })
    .nullish(),
  commonMetadata: z.object({ labels: texts, annotations: texts }).nullish(),
  dependsOn: z.array(reference).nullish(),
  interval: text,
  suspend: flag,
});
export type HelmReleaseFields = z.infer<typeof HelmReleaseFields>;

/** Where a release of Helm would be, read from a spec that may be wrong elsewhere. */
export const ReleaseTarget = z.object({ release: z.object({ name: text, namespace: text }).nullish().catch(null) });

/** `spec` of a HelmRepository. */
export const HelmRepositoryFields = z.object({
  url: z.string(),
  type: text,
  provider: text,
  interval: text,
  timeout: text,
  suspend: flag,
  auth: z
    .object({
      basic: z.object({ username: text, password: text, secretRef: reference.nullish() }).nullish(),
      tls: z
        .object({
          insecureSkipVerify: flag,
          caFile: text,
          certFile: text,
          keyFile: text,
          secretRef: reference.nullish(),
        })
        .nullish(),
    })
    .nullish(),
  passCredentials: flag,
  insecure: flag,
  mirror: text,
  proxySecretRef: z.object({ name: z.string() }).nullish(),
  valuesConfigMapPolicy: text,
  valuesConfigMapRetention: text,
});
export type HelmRepositoryFields = z.infer<typeof HelmRepositoryFields>;

/** `spec` of a GitRepository. */
export const GitRepositoryFields = z.object({
  url: z.string(),
  ref: z.object({ branch: text, tag: text, semver: text, commit: text }).nullish(),
  path: text,
  interval: text,
  timeout: text,
  prune: flag,
  deletionPolicy: z.enum(['Orphan', 'Delete']).nullish(),
  serviceAccountName: text,
  secretRef: z.object({ name: z.string() }).nullish(),
  verify: z.unknown().optional(),
  ignore: text,
  suspend: flag,
});
export type GitRepositoryFields = z.infer<typeof GitRepositoryFields>;

/** The data of a Secret, or of a ConfigMap. */
export const SecretData = z.object({ data: z.record(z.string(), z.string()).nullish() });
export const SecretDataOrNull = SecretData.nullable();

export const Metadata = z.object({
  name: z.string(),
  namespace: z.string().optional(),
  uid: z.string(),
  resourceVersion: z.string(),
  labels: z.record(z.string(), z.string()).optional(),
});

/** One Secret as PartialObjectMetadata. */
export const RecordMetadata = z.object({
  metadata: z.object({ labels: z.record(z.string(), z.string()).optional() }),
});

/** A list as PartialObjectMetadata: no bodies. */
export const MetadataList = z.object({
  metadata: z.object({ resourceVersion: z.string().optional(), continue: z.string().optional() }),
  // An empty list of metadata comes as null.
  items: z.array(z.object({ metadata: Metadata })).nullable(),
});

export const ObjectList = z.object({
  metadata: z.object({ resourceVersion: z.string().optional(), continue: z.string().optional() }),
  items: z.array(AnyObject),
});
