import { type Document, isMap, parseAllDocuments, Scalar, visit } from 'yaml';
import { AS_KUBERNETES, parseYaml } from '../yaml.ts';

/** What is put on every object of a release. */
export interface CommonMetadata {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

const PARTS = ['labels', 'annotations'] as const;

/**
 * Rendered manifests with labels and annotations on every object; those of a List, too. Everything else stays as it is
 * written. Hooks are no part of the release, and left as they are.
 */
export function withCommonMetadata(manifests: string, common: CommonMetadata): string {
  const documents = parseAllDocuments(manifests, { ...AS_KUBERNETES, uniqueKeys: false });
  return [...documents].map((document) => textOf(document, common)).join('---\n');
}

function textOf(document: Document, common: CommonMetadata): string {
  const [error] = document.errors;
  if (error !== undefined) throw error;
  if (!isMap(document.contents)) return document.toString(FORMAT);
  // What is written once and meant twice would be changed twice.
  if (hasAliases(document)) return textOf(resolved(document), common);
  for (const path of objectsIn(document)) addTo(document, path, common);
  return document.toString(FORMAT);
}

/** Long texts stay on one line. */
const FORMAT = { lineWidth: 0 } as const;

function hasAliases(document: Document): boolean {
  let found = false;
  visit(document, {
    Alias: () => {
      found = true;
      return visit.BREAK;
    },
  });
  return found;
}

function resolved(document: Document): Document {
  const [read] = parseYaml(document.toString(FORMAT));
  if (read?.kind !== 'value') throw new TypeError(`a document cannot be read: ${read?.reason ?? 'it is empty'}`);
  const [plain] = parseAllDocuments(JSON.stringify(read.value), AS_KUBERNETES);
  // JSON is one document.
  return plain as Document;
}

/** Paths to the objects of a document that are no hooks. */
function objectsIn(document: Document): readonly (readonly (string | number)[])[] {
  const items: unknown = document.getIn(['items']);
  const list = String(document.get('kind')).endsWith('List') && hasItems(items);
  const paths = list ? items.items.map((_item, index) => ['items', index]) : [[]];
  return paths.filter((path) => !document.hasIn([...path, 'metadata', 'annotations', 'helm.sh/hook']));
}

function hasItems(value: unknown): value is { readonly items: readonly unknown[] } {
  return typeof value === 'object' && value !== null && 'items' in value && Array.isArray(value.items);
}

function addTo(document: Document, path: readonly (string | number)[], common: CommonMetadata): void {
  for (const part of PARTS) {
    for (const [name, value] of Object.entries(common[part])) {
      const place = [...path, 'metadata', part];
      // `labels:` without any is null.
      if (!isMap(document.getIn(place, true))) document.setIn(place, document.createNode({}));
      document.setIn([...place, name], quoted(value));
    }
  }
}

/** So that nothing takes a text for a number, a date or a boolean. */
function quoted(text: string): Scalar {
  const scalar = new Scalar(text);
  scalar.type = Scalar.QUOTE_DOUBLE;
  return scalar;
}
