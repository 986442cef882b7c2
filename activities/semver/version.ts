/** A semantic version. Numbers are as large as the rules of charts allow, which is beyond what a `number` holds. */
export interface Version {
  readonly major: bigint;
  readonly minor: bigint;
  readonly patch: bigint;
  /** Identifiers of the pre-release; empty for a release. */
  readonly pre: readonly string[];
  /** Identifiers of the build metadata, which do not count when versions are compared. */
  readonly build: readonly string[];
}

const IDENTIFIERS = '[0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*';
const NUMBER = '(?:0|[1-9][0-9]*)';
const STRICT = new RegExp(`^v?(${NUMBER})\\.(${NUMBER})\\.(${NUMBER})(?:-(${IDENTIFIERS}))?(?:\\+(${IDENTIFIERS}))?$`);

export const MAX_NUMBER = 2n ** 64n - 1n;
const MAX_LENGTH = 256;

/** A strict semantic version (https://semver.org), the leading `v` of Git tags allowed. Null: it is none. */
export function parseVersion(text: string): Version | null {
  const match = text.length > MAX_LENGTH ? null : STRICT.exec(text);
  if (match === null) return null;
  const [, major, minor, patch, pre, build] = match;
  // The form has all three.
  const numbers = [BigInt(major ?? 0), BigInt(minor ?? 0), BigInt(patch ?? 0)] as const;
  const identifiers = pre?.split('.') ?? [];
  if (numbers.some((number) => number > MAX_NUMBER) || identifiers.some((one) => /^0[0-9]+$/.test(one))) return null;
  return { major: numbers[0], minor: numbers[1], patch: numbers[2], pre: identifiers, build: build?.split('.') ?? [] };
}

/** Precedence by https://semver.org/#spec-item-11: negative, 0 or positive. Build metadata does not count. */
export function compareVersions(a: Version, b: Version): number {
  return (
    order(a.major, b.major) || order(a.minor, b.minor) || order(a.patch, b.patch) || comparePreReleases(a.pre, b.pre)
  );
}

/** A release comes after all of its pre-releases. */
export function comparePreReleases(a: readonly string[], b: readonly string[]): number {
  if (a.length === 0 || b.length === 0) return order(a.length === 0, b.length === 0);
  return compareIdentifiers(a, b);
}

/** The order that a list is shown and chosen in: by precedence, then by build metadata, which publishers count up. */
export function compareForChoice(a: Version, b: Version): number {
  return compareVersions(a, b) || compareIdentifiers(a.build, b.build);
}

/** Identifier by identifier: numbers by size and before words, words by their letters, the shorter list first. */
function compareIdentifiers(a: readonly string[], b: readonly string[]): number {
  for (let i = 0; i < Math.max(a.length, b.length); i += 1) {
    const [left, right] = [a[i], b[i]];
    if (left === undefined || right === undefined) return left === undefined ? -1 : 1;
    const step = compareIdentifier(left, right);
    if (step !== 0) return step;
  }
  return 0;
}

function compareIdentifier(a: string, b: string): number {
  const [left, right] = [a, b].map((one) => (/^[0-9]+$/.test(one) ? BigInt(one) : null));
  if (left != null && right != null) return order(left, right);
  if (left == null && right == null) return order(a, b);
  return left == null ? 1 : -1;
}

function order<T extends bigint | string | boolean>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
