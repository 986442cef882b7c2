import { readFileSync } from 'node:fs';

/** The text of a document in `docs/`. */
export function readDocument(name: string): string {
  return readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8');
}

/** The cells of the first table from a line on (a heading, or the head of the table itself), without its head. */
export function tableUnder(markdown: string, from: string): readonly (readonly string[])[] {
  const lines = markdown.split('\n');
  const start = lines.indexOf(from);
  if (start < 0) throw new Error(`there is no line "${from}"`);
  const first = lines.findIndex((line, index) => index >= start && line.startsWith('|'));
  const length = lines.slice(first).findIndex((line) => !line.startsWith('|'));
  const table = lines.slice(first, length < 0 ? undefined : first + length);
  return table.slice(2).map(toCells);
}

function toCells(line: string): readonly string[] {
  return line
    .split(/(?<!\\)\|/)
    .slice(1, -1)
    .map((cell) => cell.trim());
}
