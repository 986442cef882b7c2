import { failure } from '../../failures.ts';
import type { DriftDetection, DriftTarget } from '../schema.ts';
import { fitPatterns, isPattern, type Question } from './patterns.ts';
import { isObject, type Json, parsePointer, type Path } from './pointer.ts';
import { parseSelector, selects, type Selector } from './selector.ts';

/** What a HelmRelease says of drift, checked. */
export interface DriftRules {
  readonly mode: 'enabled' | 'warn' | 'disabled';
  readonly ignore: readonly IgnoreRule[];
}

interface IgnoreRule {
  readonly paths: readonly Path[];
  /** Patterns for what names an object; one that is not given fits everything. */
  readonly patterns: Partial<Readonly<Record<Named, string>>>;
  readonly labels: Selector;
  readonly annotations: Selector;
}

const NAMED = ['group', 'version', 'kind', 'name', 'namespace'] as const;
type Named = (typeof NAMED)[number];

/** Throws `SpecInvalid` that names the field. */
export function compileDrift(asked: DriftDetection | null | undefined): DriftRules {
  const ignore = (asked?.ignore ?? []).map(({ paths, target }, index) => {
    const field = `spec.driftDetection.ignore[${index}]`;
    return {
      paths: paths.map((path) => pathOf(`${field}.paths`, path)),
      patterns: patternsOf(`${field}.target`, target),
      labels: selectorOf(`${field}.target.labelSelector`, target?.labelSelector),
      annotations: selectorOf(`${field}.target.annotationSelector`, target?.annotationSelector),
    };
  });
  return { mode: asked?.mode ?? 'disabled', ignore };
}

function pathOf(field: string, text: string): Path {
  const path = parsePointer(text);
  if (path !== null) return path;
  throw failure('SpecInvalid', `${field}: "${text}" is no JSON pointer such as /spec/replicas`);
}

function patternsOf(field: string, target: DriftTarget | null | undefined): IgnoreRule['patterns'] {
  const given = NAMED.flatMap((name) => {
    const pattern = target?.[name] ?? '';
    return pattern === '' ? [] : [[name, checked(`${field}.${name}`, pattern)] as const];
  });
  return Object.fromEntries(given);
}

function checked(field: string, pattern: string): string {
  if (isPattern(pattern)) return pattern;
  throw failure('SpecInvalid', `${field}: "${pattern}" is no regular expression`);
}

function selectorOf(field: string, text: string | null | undefined): Selector {
  const selector = parseSelector(text ?? '');
  if (selector !== null) return selector;
  throw failure('SpecInvalid', `${field}: "${text ?? ''}" is no selector such as app=web,tier!=cache`);
}

/** For each object, as it is sent, the paths that are ignored in it. */
export function ignoredIn({ ignore }: DriftRules, objects: readonly Json[]): readonly (readonly Path[])[] {
  const asked = objects.map((object) => ignore.map((rule) => ({ rule, questions: questionsOf(rule, object) })));
  const answers = fitPatterns(asked.flat().flatMap(({ questions }) => questions));
  let next = 0;
  return asked.map((rules, index) =>
    rules.flatMap(({ rule, questions }) => {
      const fits = answers.slice(next, (next += questions.length)).every((fit) => fit);
      return fits && isSelected(rule, objects[index] ?? {}) ? rule.paths : [];
    }),
  );
}

function questionsOf({ patterns }: IgnoreRule, object: Json): readonly Question[] {
  const names = namesOf(object);
  return NAMED.flatMap((name) => {
    const pattern = patterns[name];
    return pattern === undefined ? [] : [[pattern, names[name]] as const];
  });
}

function namesOf({ apiVersion, kind, metadata }: Json): Readonly<Record<Named, string>> {
  const parts = textOf(apiVersion).split('/');
  const { name, namespace } = isObject(metadata) ? metadata : {};
  return {
    group: parts.length > 1 ? (parts[0] ?? '') : '',
    version: parts.at(-1) ?? '',
    kind: textOf(kind),
    name: textOf(name),
    namespace: textOf(namespace),
  };
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function isSelected({ labels, annotations }: IgnoreRule, { metadata }: Json): boolean {
  const has = isObject(metadata) ? metadata : {};
  return selects(labels, recordOf(has['labels'])) && selects(annotations, recordOf(has['annotations']));
}

function recordOf(value: unknown): Json {
  return isObject(value) ? value : {};
}
