/** Names of releases, in order. */
export function namesOf(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `app-${String(index + 1).padStart(4, '0')}`);
}
