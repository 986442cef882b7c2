import { comparePreReleases, compareVersions, MAX_NUMBER, type Version } from './version.ts';

/**
 * A range of versions as Helm reads it, which is by the rules of https://github.com/Masterminds/semver: alternatives
 * divided by `||`, each a list of conditions divided by commas or spaces. They differ from npm's: a pre-release in one
 * condition admits those of all versions in its list, and `!=`, `=<` and `=>` exist.
 */
export interface Constraint {
  readonly matches: (version: Version) => boolean;
}

type Operator = '' | '=' | '!=' | '>' | '<' | '>=' | '=>' | '<=' | '=<' | '~' | '~>' | '^';

/** One condition. What is not written, or written as `x`, `X` or `*`, is null, with all that follows it. */
interface Condition {
  readonly operator: Operator;
  readonly major: bigint | null;
  readonly minor: bigint | null;
  readonly patch: bigint | null;
  /** The lowest version that fits what is written. */
  readonly floor: Version;
}

const MAX_LENGTH = 256;
const IDENTIFIERS = '[0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*';
const PART = '[0-9]+|[xX*]';
const VERSION = `v?(?:${PART})(?:\\.(?:${PART}))?(?:\\.(?:${PART}))?(?:-${IDENTIFIERS})?(?:\\+${IDENTIFIERS})?`;
const HYPHEN = new RegExp(`^(${VERSION})\\s+-\\s+(${VERSION})(?=$|[\\s,])`);
const CONDITION = new RegExp(
  `^(=>|=<|>=|<=|!=|~>|[=<>~^]?)\\s*v?(${PART})(?:\\.(${PART}))?(?:\\.(${PART}))?` +
    `(?:-(${IDENTIFIERS}))?(?:\\+${IDENTIFIERS})?(?=$|[\\s,])`,
);
/** Conditions stand apart by spaces or by one comma. */
const GAP = /^(?:\s*,\s*|\s+)/;

/** Read a range. Null: it is none, as `latest` is none. An empty text is none either; Helm reads it as `*`. */
export function parseConstraint(text: string): Constraint | null {
  if (text.length > MAX_LENGTH) return null;
  const alternatives = text.split('||').map((part) => parseList(part.trim()));
  if (!alternatives.every((list) => list !== null)) return null;
  return { matches: (version) => alternatives.some((list) => matchesAll(list, version)) };
}

function parseList(text: string): readonly Condition[] | null {
  const conditions: Condition[] = [];
  let rest = text;
  do {
    const taken = HYPHEN.exec(rest) ?? CONDITION.exec(rest);
    if (taken === null) return null;
    const read = conditionsOf(taken[0]);
    if (!read.every((condition) => condition !== null)) return null;
    conditions.push(...read);
    rest = rest.slice(taken[0].length);
    const gap = GAP.exec(rest)?.[0] ?? '';
    if (rest !== '' && gap === rest) return null;
    rest = rest.slice(gap.length);
  } while (rest !== '');
  return conditions;
}

/** `1.2 - 2.3` is short for two conditions. */
function conditionsOf(text: string): readonly (Condition | null)[] {
  const [, from, to] = HYPHEN.exec(text) ?? [];
  if (from === undefined || to === undefined) return [parseCondition(text)];
  return [parseCondition(`>=${from}`), parseCondition(`<=${to}`)];
}

function parseCondition(text: string): Condition | null {
  const match = CONDITION.exec(text);
  if (match === null) return null;
  const major = numberOf(match[2]);
  const minor = major === null ? null : numberOf(match[3]);
  const patch = minor === null ? null : numberOf(match[4]);
  const pre = match[5]?.split('.') ?? [];
  const floor = { major: major ?? 0n, minor: minor ?? 0n, patch: patch ?? 0n, pre, build: [] };
  const tooLarge = [floor.major, floor.minor, floor.patch].some((number) => number > MAX_NUMBER);
  if (tooLarge || pre.some((one) => /^0[0-9]+$/.test(one))) return null;
  // The pattern admits nothing else.
  return { operator: match[1] as Operator, major, minor, patch, floor };
}

function numberOf(part: string | undefined): bigint | null {
  return part === undefined || /^[xX*]$/.test(part) ? null : BigInt(part);
}

function matchesAll(conditions: readonly Condition[], version: Version): boolean {
  const wantsPre = conditions.some(({ floor }) => floor.pre.length > 0);
  if (version.pre.length > 0 && !wantsPre) return false;
  return conditions.every((condition) => RULES[condition.operator](condition, version));
}

type Rule = (condition: Condition, version: Version) => boolean;

const compare = ({ floor }: Condition, version: Version): number => compareVersions(version, floor);
/** Written in full, or not at all: then there is no shorter prefix that a version could share. */
const isWhole = ({ major, patch }: Condition): boolean => patch !== null || major === null;

/** The version begins with all numbers that are written. */
function hasPrefix({ major, minor, patch }: Condition, version: Version): boolean {
  return (
    (major === null || version.major === major) &&
    (minor === null || version.minor === minor) &&
    (patch === null || version.patch === patch)
  );
}

/** `>1.2` begins with 1.3, for 1.2.9 is a 1.2. */
const isAbove: Rule = (condition, version) => {
  if (compare(condition, version) <= 0) return false;
  return isWhole(condition) || !hasPrefix(condition, version);
};

/** `<=1.2` ends with the last 1.2. */
const isAtMost: Rule = (condition, version) => {
  if (isWhole(condition) && condition.major !== null) return compare(condition, version) <= 0;
  const { floor, minor, major } = condition;
  if (version.major !== floor.major) return version.major < floor.major;
  return (major !== null && minor === null) || version.minor <= floor.minor;
};

/** The patch may grow; the minor too where it is not written. `~0.0.0` is all versions. */
const isNearby: Rule = (condition, version) => {
  const { floor, major, minor } = condition;
  if (compare(condition, version) < 0) return false;
  const zero = floor.major === 0n && floor.minor === 0n && floor.patch === 0n;
  if (zero && isWhole(condition)) return true;
  return hasPrefix({ ...condition, major, minor, patch: null }, version);
};

/** The first number that is not 0 stays. `^0` and `^0.0` end where that number, which is written, would grow. */
const isCompatible: Rule = (condition, version) => {
  const { floor, major, minor, patch } = condition;
  if (compare(condition, version) < 0 || version.major !== floor.major) return false;
  if (floor.major > 0n || (major !== null && minor === null)) return true;
  if (version.minor !== floor.minor) return false;
  return floor.minor > 0n || (major !== null && patch === null) || version.patch === floor.patch;
};

const isEqual: Rule = (condition, version) =>
  condition.patch === null ? isNearby(condition, version) : compare(condition, version) === 0;

const isOther: Rule = (condition, version) => {
  if (isWhole(condition)) return compare(condition, version) !== 0;
  if (!hasPrefix(condition, version)) return true;
  // Of a pre-release in the excluded series, `!=1.2.x-rc` excludes only that one.
  const spares = condition.minor !== null && (version.pre.length > 0 || condition.floor.pre.length > 0);
  return spares && comparePreReleases(version.pre, condition.floor.pre) !== 0;
};

const isAtLeast: Rule = (condition, version) => compare(condition, version) >= 0;

const RULES: Readonly<Record<Operator, Rule>> = {
  '': isEqual,
  '=': isEqual,
  '!=': isOther,
  '>': isAbove,
  '<': (condition, version) => compare(condition, version) < 0,
  '>=': isAtLeast,
  '=>': isAtLeast,
  '<=': isAtMost,
  '=<': isAtMost,
  '~': isNearby,
  '~>': isNearby,
  '^': isCompatible,
};
