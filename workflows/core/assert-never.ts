/** Marks a branch that the types rule out; reaching it is a defect of ours, never bad input. */
export function assertNever(value: never): never {
  throw new TypeError(`unreachable: ${JSON.stringify(value)}`);
}
