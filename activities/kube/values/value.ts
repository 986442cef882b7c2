/** Values of a chart as data. Whole numbers are big integers, so that none loses a digit and `1.0` is `1`. */
export type Value = null | boolean | number | bigint | string | readonly Value[] | Values;

/** Without a prototype, so that `__proto__` is a key like any other. */
export interface Values {
  readonly [key: string]: Value;
}

export const NO_VALUES: Values = Object.create(null) as Values;

export function isValues(value: Value | undefined): value is Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A copy in which one key is another. */
export function withKey(values: Values, key: string, value: Value): Values {
  return Object.assign(Object.create(null) as Values, values, { [key]: value });
}

/** As Helm merges values files: maps key by key, everything else, null too, is replaced. */
export function mergeValues(lower: Values, upper: Values): Values {
  const merged = Object.assign(Object.create(null) as Record<string, Value>, lower);
  for (const [key, value] of Object.entries(upper)) {
    const below = merged[key];
    merged[key] = isValues(value) && isValues(below) ? mergeValues(below, value) : value;
  }
  return merged;
}

/** One line that is equal for equal values: sorted keys, integers of any size exact. */
export function canonicalValues(values: Values): string {
  return write(values, String);
}

/** JSON in which every number is written as Helm's own reading of YAML writes it, so that it renders the same. */
export function valuesForHelm(values: Values): string {
  return write(values, (whole) => (fitsMachineWord(whole) ? String(whole) : JSON.stringify(Number(whole))));
}

const LEAST = -(2n ** 63n);
const MOST = 2n ** 64n - 1n;

function fitsMachineWord(whole: bigint): boolean {
  return whole >= LEAST && whole <= MOST;
}

function write(value: Value, wholeNumber: (whole: bigint) => string): string {
  if (typeof value === 'bigint') return wholeNumber(value);
  if (Array.isArray(value)) return `[${value.map((item: Value) => write(item, wholeNumber)).join(',')}]`;
  if (!isValues(value)) return JSON.stringify(value);
  const members = Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, item]) => `${JSON.stringify(key)}:${write(item, wholeNumber)}`);
  return `{${members.join(',')}}`;
}
