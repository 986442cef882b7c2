import type { Context } from '@temporalio/activity';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import type { ActivityInboundCallsInterceptor } from '@temporalio/worker';
import { originalOf } from '../activities/failures.ts';
import type { Logger } from '../runtime/logger.ts';

/**
 * Log what an activity's failure was made from, since only a code and a sentence of it go to Temporal. A step that
 * waits (BENIGN) or was cancelled is no news.
 */
export function logFailures(logger: Logger): (context: Context) => { inbound: ActivityInboundCallsInterceptor } {
  return ({ info }) => ({
    inbound: {
      async execute(input, next) {
        try {
          return await next(input);
        } catch (error) {
          const code = error instanceof ApplicationFailure ? error.type : null;
          const expected = error instanceof CancelledFailure || code === 'NotReady';
          const { activityType: activity, workflowExecution } = info;
          const fields = { activity, workflowId: workflowExecution?.workflowId, code, err: originalOf(error) };
          if (code === 'Unexpected' || code === null) logger.error(fields, 'activity failed unexpectedly');
          else if (!expected) logger.info(fields, 'activity failed');
          throw error;
        }
      },
    },
  });
}
