/** Fires when the process is asked to end. The SDK hears the same signals and shuts the workers down by itself. */
export function onStopSignal(): AbortSignal {
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      stopping.abort();
    });
  }
  return stopping.signal;
}
