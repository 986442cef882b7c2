/** Reads what Prometheus would scrape, and the expressions that are asked of it. */

/** The lines of samples by the name of their series. */
export function samplesIn(exposition: string): ReadonlyMap<string, readonly string[]> {
  const samples = new Map<string, string[]>();
  for (const line of exposition.split('\n')) {
    const name = /^[a-z_:][a-z0-9_:]*/i.exec(line)?.[0];
    if (name !== undefined) samples.set(name, [...(samples.get(name) ?? []), line]);
  }
  return samples;
}

/** Every series that an expression names, by the beginnings that ours have. */
export function seriesNamedIn(expression: string): readonly string[] {
  const withoutTexts = expression.replaceAll(/"[^"]*"/g, '""');
  return [...new Set(withoutTexts.match(/\b(?:holdfast|helm|process|nodejs)_[a-z0-9_]+/g) ?? [])];
}

/** All expressions of a document: of the rules of Prometheus, or of a dashboard of Grafana. */
export function expressionsIn(document: unknown): readonly string[] {
  if (typeof document !== 'object' || document === null) return [];
  return Object.entries(document).flatMap(([key, value]: [string, unknown]) =>
    key === 'expr' && typeof value === 'string' ? [value] : expressionsIn(value),
  );
}
