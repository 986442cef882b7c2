/** What Helm's storage and its manifests may hold: only the fields that we read. */
import { z } from 'zod';
import { HELM_STATUSES } from '../../workflows/core/model.ts';

const HelmStatus = z.enum(HELM_STATUSES).catch('unknown');

const Labels = z.record(z.string(), z.string()).default({});

/** The Secret of a revision without its body. */
const RecordMeta = z.object({
  metadata: z.object({
    name: z.string(),
    resourceVersion: z.string(),
    labels: Labels,
  }),
});

/** A page of Secrets as PartialObjectMetadataList. */
export const RecordMetaList = z.object({
  metadata: z.object({ continue: z.string().optional() }).optional(),
  // an empty list of this kind comes as null
  items: z
    .array(RecordMeta)
    .nullish()
    .transform((items) => items ?? []),
});

export const RecordSecret = RecordMeta.extend({ data: z.object({ release: z.string() }) });

/** The JSON inside. */
export const ReleaseBody = z.object({
  info: z.object({ status: HelmStatus, description: z.string().default('') }),
  chart: z.object({
    metadata: z.object({ name: z.string(), version: z.string(), appVersion: z.string().nullish() }),
  }),
  manifest: z.string().default(''),
  config: z.unknown().optional(),
  hooks: z
    .array(
      z.object({
        name: z.string().default(''),
        manifest: z.string().default(''),
        events: z.array(z.string()).nullish(),
        delete_policies: z.array(z.string()).nullish(),
        last_run: z
          .object({
            started_at: z.string().nullish(),
            completed_at: z.string().nullish(),
            phase: z.string().default(''),
          })
          .nullish(),
      }),
    )
    .nullish(),
});

/** One object of a manifest. */
export const ManifestDocument = z.object({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.object({
    name: z.string(),
    namespace: z.string().nullish(),
    annotations: z.record(z.string(), z.unknown()).nullish(),
  }),
});

/** `kind: List` of any group. */
export const ManifestList = z.object({ kind: z.string().regex(/List$/), items: z.array(z.unknown()) });

/** An object in the cluster. */
export const LiveObject = z.object({
  metadata: z.object({
    uid: z.string(),
    deletionTimestamp: z.string().optional(),
    finalizers: z.array(z.string()).default([]),
    annotations: z.record(z.string(), z.string()).default({}),
  }),
});
export type LiveObject = z.infer<typeof LiveObject>;
