import { failure, type HoldfastError } from '../../failures.ts';
import type { HelmReleaseFields } from '../schema.ts';
import { parseValues, valuesOfObject } from './parse.ts';
import { setValue } from './set.ts';
import { describeSource, type FoundSource } from './sources.ts';
import { canonicalValues, mergeValues, NO_VALUES, type Values, valuesForHelm } from './value.ts';

/** The values of a release, merged. None of it leaves the activity that reads it. */
export interface CompiledValues {
  /** What helm reads. */
  readonly text: string;
  /** Equal for equal values, however they are written and wherever they lie. */
  readonly canonical: string;
  /** All that the values were made of, for redaction: also what another source has replaced. */
  readonly hidden: Hidden;
}

export interface Hidden {
  readonly yaml: readonly string[];
  readonly plain: readonly string[];
}

type Fields = Pick<HelmReleaseFields, 'values' | 'valuesObject'>;

/**
 * Merge the values in the order of their rank: the entries of `valuesFrom` as they stand, `values`, `valuesObject`.
 * Throws what is wrong with them, with the name of the source and without its words.
 */
export function compileValues(namespace: string, fields: Fields, sources: readonly FoundSource[]): CompiledValues {
  const written = fields.values ?? '';
  const own = parseValues(written, unusable('spec.values'));
  const object = fields.valuesObject ?? null;
  const above = object === null ? own : mergeValues(own, valuesOfObject(object, unusable('spec.valuesObject')));
  const merged = mergeValues(
    sources.reduce((values, source) => addSource(namespace, values, source), NO_VALUES),
    above,
  );
  return {
    // What a person wrote, if it is all, reaches Helm untouched.
    text: sources.length === 0 && object === null ? written : valuesForHelm(merged),
    canonical: canonicalValues(merged),
    hidden: hiddenOf(written, object, sources),
  };
}

function unusable(field: string): (why: string) => HoldfastError {
  return (why) => failure('ValuesInvalid', `${field} cannot be used: ${why}`);
}

function addSource(namespace: string, values: Values, source: FoundSource): Values {
  if (source.kind === 'failed') throw source.error;
  if (source.kind === 'absent') return values;
  const { reference, text } = source;
  const refuse = (why: string): HoldfastError =>
    failure('ValuesSourceInvalid', `${describeSource(reference, namespace)} cannot be used by spec.valuesFrom: ${why}`);
  const path = reference.targetPath ?? '';
  if (path === '') return mergeValues(values, parseValues(text, refuse));
  return setValue(values, { path, text, literal: reference.literal === true }, refuse);
}

function hiddenOf(written: string, object: unknown, sources: readonly FoundSource[]): Hidden {
  const found = sources.filter((source) => source.kind === 'found');
  const single = ({ reference }: (typeof found)[number]): boolean => (reference.targetPath ?? '') !== '';
  const maps = found.filter((source) => !single(source)).map(({ text }) => text);
  return {
    yaml: [written, ...(object === null ? [] : [JSON.stringify(object)]), ...maps],
    // Also in its parts, as a list or what lies between escapes is quoted.
    plain: found.filter(single).flatMap(({ text }) => [text, ...text.split(/[,{}"'\\]+/)]),
  };
}
