import type { NativeConnection } from '@temporalio/worker';
import type { Logger } from '../runtime/logger.ts';
import { SEARCH_ATTRIBUTES } from '../workflows/contract.ts';

const DAY_S = 86_400;
const RETENTION_DAYS = 30;

/** `temporal.api.enums.v1.IndexedValueType`. */
const INDEXED = { KEYWORD: 2, INT: 3, BOOL: 5 } as const;

/**
 * Register our search attributes where they are missing. A server that refuses is served without them: the answer is
 * false, and it is said once.
 */
export async function registerSearchAttributes(
  connection: NativeConnection,
  namespace: string,
  logger: Logger,
): Promise<boolean> {
  const { operatorService } = connection;
  try {
    const { customAttributes } = await operatorService.listSearchAttributes({ namespace });
    const missing = Object.entries(SEARCH_ATTRIBUTES).filter(([name]) => !(name in customAttributes));
    if (missing.length === 0) return true;
    const searchAttributes = Object.fromEntries(missing.map(([name, type]) => [name, INDEXED[type]]));
    await operatorService.addSearchAttributes({ namespace, searchAttributes });
    return true;
  } catch (err) {
    logger.warn({ err }, 'search attributes are refused: running without them, so lists cannot be filtered');
    return false;
  }
}

/** A short retention loses the runs that people come to look for. */
export async function checkRetention(connection: NativeConnection, namespace: string, logger: Logger): Promise<void> {
  const { config } = await connection.workflowService.describeNamespace({ namespace });
  const days = Number(config?.workflowExecutionRetentionTtl?.seconds ?? 0) / DAY_S;
  if (days > 0 && days < RETENTION_DAYS) {
    logger.warn(
      { namespace, days },
      'closed workflows are kept for less than 30 days; raise the retention of the namespace',
    );
  }
}
