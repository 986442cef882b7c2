import type { WriteStream } from 'node:tty';
import type { Release } from './releases.ts';

export interface Table {
  show(releases: Iterable<Release>): void;
  /** A line of text that stays; the table goes on below it. */
  note(text: string): void;
}

type Output = Pick<WriteStream, 'write'> & { readonly isTTY?: boolean; readonly columns?: number };

/** On a terminal a table that is drawn again in place; elsewhere a line for each release that changed. */
export function createTable(output: Output): Table {
  return output.isTTY === true ? createLiveTable(output) : createLines(output);
}

function createLiveTable(output: Output): Table {
  let drawn = 0;
  return {
    show(releases) {
      const width = Math.max(40, output.columns ?? 80);
      const lines = layOut(sorted(releases)).map((line) => line.slice(0, width - 1));
      const up = drawn === 0 ? '' : `\u001b[${drawn}A`;
      output.write(`${up}${lines.map((line) => `\u001b[2K${line}\n`).join('')}\u001b[J`);
      drawn = lines.length;
    },
    note(text) {
      output.write(`${text}\n`);
      drawn = 0;
    },
  };
}

function createLines(output: Output): Table {
  const shown = new Map<string, string>();
  return {
    show(releases) {
      for (const release of sorted(releases)) {
        const key = `${release.namespace}/${release.name}`;
        const line = cells(release).filter(Boolean).join('  ');
        if (shown.get(key) === line) continue;
        shown.set(key, line);
        output.write(`${line}\n`);
      }
    },
    note(text) {
      output.write(`${text}\n`);
    },
  };
}

const HEAD = ['RELEASE', 'CHART', 'READY', 'STATUS'];

function layOut(releases: readonly Release[]): string[] {
  return alignColumns([HEAD, ...releases.map(cells)]);
}

/** A line for each row; every column as wide as its widest cell. The first row says how many there are. */
export function alignColumns(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

function cells({ namespace, name, chart, version, ready, reason, message }: Release): string[] {
  const status = [reason, message].filter(Boolean).join(': ').replace(/\s+/g, ' ');
  return [`${namespace}/${name}`, `${chart} ${version}`.trim(), ready, status];
}

function sorted(releases: Iterable<Release>): Release[] {
  return [...releases].sort((a, b) => (`${a.namespace}/${a.name}` < `${b.namespace}/${b.name}` ? -1 : 1));
}
