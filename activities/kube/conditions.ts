import { z } from 'zod';
import type { Condition } from '../types.ts';

/** A condition as Kubernetes stores it. */
export const StoredCondition = z.object({
  type: z.string(),
  status: z.enum(['True', 'False', 'Unknown']),
  reason: z.string(),
  message: z.string(),
  lastTransitionTime: z.string(),
  observedGeneration: z.number().optional(),
});
export type StoredCondition = z.infer<typeof StoredCondition>;

/** The API server's limit for a message is 32,768 characters; nobody reads that much. */
const MAX_MESSAGE = 4_096;

/** Put new conditions in the place of the old ones; the transition time stays while the status does. */
export function mergeConditions(
  old: readonly StoredCondition[],
  conditions: readonly Condition[],
  { generation, now }: { readonly generation: number; readonly now: string },
): readonly StoredCondition[] {
  return conditions.map(({ type, status, reason, message }) => {
    const before = old.find((condition) => condition.type === type);
    return {
      type,
      status,
      reason,
      message: message.length > MAX_MESSAGE ? `${message.slice(0, MAX_MESSAGE)}…` : message,
      lastTransitionTime: before?.status === status ? before.lastTransitionTime : now,
      observedGeneration: generation,
    };
  });
}
