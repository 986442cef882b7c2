import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';

/** The part of an OpenAPI schema that a reader of the reference wants to see. */
interface Schema {
  readonly type?: string | undefined;
  readonly format?: string | undefined;
  readonly description?: string | undefined;
  readonly enum?: readonly string[] | undefined;
  readonly required?: readonly string[] | undefined;
  readonly properties?: Readonly<Record<string, Schema>> | undefined;
  readonly items?: Schema | undefined;
  readonly additionalProperties?: Schema | undefined;
}

const Schema: z.ZodType<Schema> = z.lazy(() =>
  z.object({
    type: z.string().optional(),
    format: z.string().optional(),
    description: z.string().optional(),
    enum: z.array(z.string()).optional(),
    required: z.array(z.string()).optional(),
    properties: z.record(z.string(), Schema).optional(),
    items: Schema.optional(),
    additionalProperties: Schema.optional(),
  }),
);

const Crd = z.object({
  spec: z.object({ versions: z.tuple([z.object({ schema: z.object({ openAPIV3Schema: Schema }) })]) }),
});

export interface Field {
  /** `spec.chart.name`; elements of a list are `spec.dependsOn[].name`. */
  readonly path: string;
  readonly type: string;
  readonly required: boolean;
  readonly description: string;
}

/** The fields below `spec` or `status` of a CRD of ours, in the order of the file. */
export function fieldsOf(crd: string, part: 'spec' | 'status'): readonly Field[] {
  const file = new URL(`../../crds/${crd}.yaml`, import.meta.url);
  const { openAPIV3Schema } = Crd.parse(parse(readFileSync(file, 'utf8'))).spec.versions[0].schema;
  const schema = openAPIV3Schema.properties?.[part];
  if (schema === undefined) throw new Error(`${crd} has no ${part}`);
  return below(schema, part);
}

function below(schema: Schema, path: string): readonly Field[] {
  const inner = schema.items ?? schema;
  return Object.entries(inner.properties ?? {}).flatMap(([name, field]) => {
    const fieldPath = `${path}.${name}`;
    const required = inner.required?.includes(name) ?? false;
    const own = { path: fieldPath, type: typeOf(field), required, description: (field.description ?? '').trim() };
    return [own, ...below(field, field.items === undefined ? fieldPath : `${fieldPath}[]`)];
  });
}

function typeOf(schema: Schema): string {
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${value}\``).join(', ');
  if (schema.type === 'array') return `list of ${schema.items?.type ?? 'anything'}`;
  if (schema.additionalProperties !== undefined) return `map to ${schema.additionalProperties.type ?? 'anything'}`;
  return schema.format === 'date-time' ? 'time' : (schema.type ?? 'anything');
}

const DEFAULT = /\s*Default ([^.]+(?:\.[^.]+)*?)\.$/;

/** A Markdown table of fields; the default is taken out of the description, where the schema tells it. */
export function toTable(fields: readonly Field[], columns: 'withDefault' | 'plain'): string {
  const head = columns === 'plain' ? ['field', 'type', 'meaning'] : ['field', 'type', 'default', 'meaning'];
  const rows = fields.map((field) => (columns === 'plain' ? plainRow(field) : defaultRow(field)));
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function plainRow({ path, type, description }: Field): readonly string[] {
  return [`\`${path}\``, type, oneLine(description)];
}

function defaultRow({ path, type, required, description }: Field): readonly string[] {
  const found = DEFAULT.exec(description);
  const meaning = found === null ? description : description.slice(0, found.index);
  return [`\`${path}\``, type, required ? 'required' : (found?.[1] ?? ''), oneLine(meaning)];
}

const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ').replaceAll('|', '\\|');

/**
 * The document with every table between `<!-- fields CRD PART -->` and `<!-- end -->` made anew from the CRDs, so that
 * the reference cannot say anything else than the schema.
 */
export function withFieldTables(markdown: string): string {
  return markdown.replaceAll(
    /(<!-- fields (\w+) (spec|status) -->\n)[\s\S]*?(<!-- end -->)/g,
    (_all, ...[begin, crd, part, end]: [string, string, 'spec' | 'status', string]) =>
      `${begin}${toTable(fieldsOf(crd, part), part === 'spec' ? 'withDefault' : 'plain')}\n${end}`,
  );
}
