import type { Refuse } from './parse.ts';
import { isValues, NO_VALUES, type Value, type Values, withKey } from './value.ts';

type Step = string | number;

/** As Helm bounds them for `--set`. */
const MAX_STEPS = 30;
const MAX_INDEX = 65_536;

export interface Setting {
  /** Keys separated by dots, `[0]` for an item of a list; a backslash takes the next character as it is. */
  readonly path: string;
  /** As `helm --set` reads what stands behind the `=`. */
  readonly text: string;
  /** The text is a string, whatever stands in it, and the path knows no backslashes. */
  readonly literal: boolean;
}

/** Set one value as `helm --set path=text` does, or `--set-literal`. Throws what `refuse` makes. */
export function setValue(values: Values, { path, text, literal }: Setting, refuse: Refuse): Values {
  const steps = readPath(path, { literal, refuse });
  const value = literal ? text : readText(text, refuse);
  return put(values, steps, { value, refuse }) as Values; // the first step is a key
}

/** Quotes around all of it make it a string, as in a values file. */
function readText(text: string, refuse: Refuse): Value {
  const quoted = /^(["'])[^]*\1$/.test(text) && text.length > 1;
  const inner = quoted ? text.replace(/^["']+|["']+$/g, '') : text;
  const typed = quoted ? (item: string): Value => item : toTyped;
  if (!inner.startsWith('{')) {
    const { part, stop } = readPart(inner, ',');
    if (stop !== null) throw refuse('it holds a comma; write "\\," for it, or set literal: true');
    return typed(part);
  }
  const items: Value[] = [];
  let rest = inner.slice(1);
  for (;;) {
    const { part, stop, after } = readPart(rest, ',}');
    if (stop === null) throw refuse('its list does not end with "}"; write "\\{" for a brace, or set literal: true');
    items.push(typed(part));
    rest = after;
    if (stop === '}') break;
  }
  if (rest !== '') throw refuse('something stands behind its list; set literal: true if it is no list');
  return items;
}

const WORDS: ReadonlyMap<string, Value> = new Map<string, Value>([
  ['true', true],
  ['false', false],
  ['null', null],
]);

/** A number that begins with a zero is text, as an account number is. */
function toTyped(text: string): Value {
  const word = WORDS.get(text.toLowerCase());
  if (word !== undefined) return word;
  if (text !== '0' && !/^[+-]?\d+$/.test(text)) return text;
  if (text.startsWith('0') && text !== '0') return text;
  const whole = BigInt(text.replace(/^\+/, ''));
  return BigInt.asIntN(64, whole) === whole ? whole : text;
}

interface Part {
  readonly part: string;
  /** The character that ended it; null: the end of the text. */
  readonly stop: string | null;
  readonly after: string;
}

/** Up to one of these characters; one behind a backslash does not count. */
function readPart(text: string, stops: string, escapes = true): Part {
  let part = '';
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charAt(at);
    if (stops.includes(char)) return { part, stop: char, after: text.slice(at + 1) };
    if (char === '\\' && escapes) at += 1;
    part += char === '\\' && escapes ? text.charAt(at) : char;
  }
  return { part, stop: null, after: '' };
}

function readPath(path: string, { literal, refuse }: { literal: boolean; refuse: Refuse }): readonly Step[] {
  const steps: Step[] = [];
  let rest = path;
  let stop: string | null = '.';
  while (stop !== null) {
    if (stop === '[') {
      const index = /^(\d{1,5})\](?=[.[]|$)/.exec(rest);
      if (index === null || Number(index[1]) > MAX_INDEX) throw refuse('its targetPath has an index that is none');
      steps.push(Number(index[1]));
      stop = rest.charAt(index[0].length) || null;
      rest = rest.slice(index[0].length + 1);
    } else {
      const key: Part = readPart(rest, '.[', !literal);
      if (key.part === '') throw refuse('its targetPath has an empty key');
      steps.push(key.part);
      ({ stop, after: rest } = key);
    }
  }
  if (steps.length > MAX_STEPS) throw refuse(`its targetPath has more than ${MAX_STEPS} steps`);
  return steps;
}

interface Putting {
  readonly value: Value;
  readonly refuse: Refuse;
}

/** What is missing on the way is made; what is there and of another kind is refused. */
function put(target: Value | undefined, [step, ...more]: readonly Step[], putting: Putting): Value {
  if (step === undefined) return putting.value;
  if (typeof step === 'number') {
    const list = target ?? [];
    if (!Array.isArray(list)) throw putting.refuse(`its targetPath takes for a list what is none, at [${step}]`);
    const items = Array.from({ length: Math.max(list.length, step + 1) }, (_, i): Value => (list[i] as Value) ?? null);
    items[step] = put(items[step], more, putting);
    return items;
  }
  const map = target ?? NO_VALUES;
  if (!isValues(map)) throw putting.refuse(`its targetPath takes for a mapping what is none, at ${step}`);
  return withKey(map, step, put(map[step], more, putting));
}
