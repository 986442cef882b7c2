/** Addresses that answers point to. */
export interface Links {
  /** A workflow in the Temporal UI; null where nobody said where that is. */
  temporal(workflowId: string, runId: string | null): string | null;
}

export function createLinks(temporalUi: string | null, namespace: string): Links {
  return {
    temporal: (workflowId, runId) => {
      if (temporalUi === null) return null;
      const workflow = `${temporalUi}/namespaces/${encodeURIComponent(namespace)}/workflows/${encodeURIComponent(workflowId)}`;
      return runId === null ? workflow : `${workflow}/${encodeURIComponent(runId)}/history`;
    },
  };
}
