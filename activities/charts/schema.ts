/** What a chart may say about itself: only the fields that we read. */
import { z } from 'zod';

export const ChartYaml = z.object({
  name: z.string().min(1),
  // YAML reads `1.0` as a number
  version: z.coerce.string().min(1),
  appVersion: z.union([z.string(), z.number()]).transform(String).nullish(),
});
export type ChartYaml = z.infer<typeof ChartYaml>;
