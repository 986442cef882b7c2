/** What a registry may send us: only the fields that we read. */
import { z } from 'zod';

const Descriptor = z.object({
  mediaType: z.string(),
  digest: z.string().regex(/^sha256:[0-9a-f]{64}$/),
  size: z.int().nonnegative(),
});
export type Descriptor = z.infer<typeof Descriptor>;

/** An image manifest or, with `manifests`, an index of them. */
export const Manifest = z.object({
  mediaType: z.string().optional(),
  config: z.object({ mediaType: z.string() }).optional(),
  layers: z.array(Descriptor).max(100).optional(),
  manifests: z.array(Descriptor).max(100).optional(),
});
export type Manifest = z.infer<typeof Manifest>;
