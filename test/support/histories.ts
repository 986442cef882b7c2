/** What Temporal keeps of the workflows of a cluster, for tests that read it. */
import type { HistoryEvent, WorkflowHistory } from '../../stack/test-runs.ts';

export { runsOf, type Run } from '../../stack/test-runs.ts';

/** What a person reads beside the events in the Temporal UI: `activity: install app 1.0.0`. */
export function summariesOf({ events }: WorkflowHistory): readonly string[] {
  return (events ?? []).flatMap((event) => {
    const what = nameOf(event);
    return what === null ? [] : [`${what}: ${summaryOf(event)}`];
  });
}

/** What people asked of a workflow by updates, as JSON, oldest first. */
export function askedOf({ events }: WorkflowHistory): readonly string[] {
  return (events ?? []).flatMap((event) => {
    const accepted = event.workflowExecutionUpdateAcceptedEventAttributes;
    return (accepted?.acceptedRequest?.input?.args?.payloads ?? []).map(({ data }) =>
      Buffer.from(data ?? []).toString('utf8'),
    );
  });
}

function nameOf(event: HistoryEvent): string | null {
  if (event.activityTaskScheduledEventAttributes) return 'activity';
  if (event.timerStartedEventAttributes) return 'timer';
  if (event.startChildWorkflowExecutionInitiatedEventAttributes) return 'child';
  return null;
}

function summaryOf({ userMetadata }: HistoryEvent): string {
  const data = userMetadata?.summary?.data;
  // Summaries are JSON strings.
  return data == null ? '' : String(JSON.parse(Buffer.from(data).toString('utf8')));
}
