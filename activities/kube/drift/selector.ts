/** A label selector as Kubernetes writes it; annotations are selected in the same words. */
export type Selector = readonly Requirement[];

interface Requirement {
  readonly key: string;
  readonly operator: 'in' | 'notIn' | 'exists' | 'absent';
  readonly values: readonly string[];
}

const KEY = String.raw`([A-Za-z0-9](?:[A-Za-z0-9_./-]*[A-Za-z0-9])?)`;
const EQUAL = new RegExp(String.raw`^${KEY}\s*(=|==|!=)\s*([A-Za-z0-9_.-]*)$`);
const SET = new RegExp(String.raw`^${KEY}\s+(in|notin)\s*\(([A-Za-z0-9_.,\s-]*)\)$`);
const PRESENT = new RegExp(String.raw`^(!?)\s*${KEY}$`);

/** Null: it is no selector. An empty one selects everything. */
export function parseSelector(text: string): Selector | null {
  if (text.trim() === '') return [];
  // Commas in the brackets of a set belong to it.
  const parts = text.split(/,(?![^(]*\))/).map((part) => parseRequirement(part.trim()));
  return parts.every((part) => part !== null) ? parts : null;
}

function parseRequirement(text: string): Requirement | null {
  const equal = EQUAL.exec(text);
  if (equal !== null) {
    const [, key = '', operator, value = ''] = equal;
    return { key, operator: operator === '!=' ? 'notIn' : 'in', values: [value] };
  }
  const set = SET.exec(text);
  if (set !== null) {
    const [, key = '', operator, values = ''] = set;
    return { key, operator: operator === 'in' ? 'in' : 'notIn', values: values.split(',').map((one) => one.trim()) };
  }
  const present = PRESENT.exec(text);
  return present === null
    ? null
    : { key: present[2] ?? '', operator: present[1] === '!' ? 'absent' : 'exists', values: [] };
}

export function selects(selector: Selector, labels: Readonly<Record<string, unknown>>): boolean {
  return selector.every(({ key, operator, values }) => {
    const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
    const among = typeof value === 'string' && values.includes(value);
    switch (operator) {
      case 'in':
        return among;
      case 'notIn':
        return !among;
      case 'exists':
        return value !== undefined;
      case 'absent':
        return value === undefined;
    }
  });
}
