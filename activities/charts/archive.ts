import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { Parser, type ReadEntry } from 'tar';
import { parse } from 'yaml';
import { failure } from '../failures.ts';
import { ChartYaml } from './schema.ts';

/** What a chart archive is, read without unpacking it. */
export interface ChartArchive {
  readonly name: string;
  readonly version: string;
  readonly appVersion: string | null;
  /**
   * Templates speak of hooks after the action: Helm must wait itself, because they run when the objects are ready.
   * True too when a packed subchart hides its templates from us.
   */
  readonly mayHavePostHooks: boolean;
  /** The text of its `values.yaml`; empty where it has none. */
  readonly values: string;
}

/** Helm's own limits, so that nothing fails there that passed here. */
const MAX_UNPACKED_BYTES = 100 * 1024 * 1024;
const MAX_FILE_BYTES = 5 * 1024 * 1024;
const MAX_ENTRIES = 10_000;

/**
 * Check a chart's archive before Helm sees it, in memory: that it is the chart asked for and does no harm. A version of
 * null means any.
 */
export async function readChartArchive(
  archive: Buffer,
  asked: { name: string; version: string | null },
): Promise<ChartArchive> {
  const subject = `chart ${asked.name} ${asked.version ?? ''}`.trim();
  const files = await readFiles(await unzip(archive, subject), subject);
  const chart = chartYamlOf(files, subject);
  if (chart.name !== asked.name) {
    throw failure(
      'ChartInvalid',
      `the archive of ${subject} holds a chart named ${JSON.stringify(chart.name)}; check spec.chart`,
    );
  }
  if (asked.version !== null && !sameVersion(chart.version, asked.version)) {
    throw failure(
      'ChartInvalid',
      `the archive of ${subject} holds version ${JSON.stringify(chart.version)}; publish it under its own version`,
    );
  }
  return {
    name: chart.name,
    version: chart.version,
    appVersion: chart.appVersion ?? null,
    mayHavePostHooks: mayHavePostHooks(files),
    values: files.find(({ path }) => /^(?:\.\/)*[^/]+\/values\.yaml$/.test(path))?.body.toString('utf8') ?? '',
  };
}

/** A tag without build metadata may stand for a version with it. */
function sameVersion(found: string, asked: string): boolean {
  const bare = (version: string): string => version.replace(/^v/, '');
  return bare(found) === bare(asked) || (!asked.includes('+') && bare(found).split('+')[0] === bare(asked));
}

async function unzip(archive: Buffer, subject: string): Promise<Buffer> {
  try {
    return await promisify(gunzip)(archive, { maxOutputLength: MAX_UNPACKED_BYTES });
  } catch (error) {
    const tooLarge = error instanceof RangeError;
    const why = tooLarge ? `more than ${MAX_UNPACKED_BYTES} bytes when unpacked` : 'not a gzip file';
    throw failure('ChartInvalid', `the archive of ${subject} is ${why}`, error);
  }
}

interface File {
  readonly path: string;
  readonly body: Buffer;
}

function readFiles(tarball: Buffer, subject: string): Promise<readonly File[]> {
  return new Promise((resolve, reject) => {
    const files: File[] = [];
    let entries = 0;
    const refuse = (why: string): void => {
      reject(failure('ChartInvalid', `the archive of ${subject} ${why}`));
    };
    const parser = new Parser({
      strict: true,
      onReadEntry: (entry: ReadEntry) => {
        entries += 1;
        const wrong = entries > MAX_ENTRIES ? `has more than ${MAX_ENTRIES} entries` : whatIsWrong(entry);
        if (wrong !== null) refuse(wrong);
        const chunks: Buffer[] = [];
        entry.on('data', (chunk: Buffer) => chunks.push(chunk));
        entry.on('end', () => {
          if (entry.type === 'File' || entry.type === 'OldFile')
            files.push({ path: entry.path, body: Buffer.concat(chunks) });
        });
      },
    });
    parser.on('error', (error: Error) => {
      reject(failure('ChartInvalid', `the archive of ${subject} is not a tar file`, error));
    });
    parser.on('end', () => {
      resolve(files);
    });
    parser.end(tarball);
  });
}

const PLAIN_TYPES = ['File', 'OldFile', 'Directory', 'GNUDumpDir'];

/** No entry of an honest chart needs any of this; https://github.com/helm/helm `pkg/chart/loader/archive`. */
function whatIsWrong({ path, type, size }: ReadEntry): string | null {
  const shown = JSON.stringify(path.slice(0, 200));
  if (!PLAIN_TYPES.includes(type)) return `holds ${shown}, which is neither a file nor a folder`;
  if (size > MAX_FILE_BYTES) return `holds ${shown} of ${size} bytes, more than the ${MAX_FILE_BYTES} that Helm allows`;
  const segments = path.replace(/\/$/, '').split('/');
  if (/^\/|^[a-z]:|[\\\0]/i.test(path) || segments.includes('..')) return `holds ${shown}, a path that leads out of it`;
  if (segments.length < 2 && type !== 'Directory') return `holds ${shown} beside its chart folder`;
  return null;
}

function chartYamlOf(files: readonly File[], subject: string): ChartYaml {
  const tops = new Set(files.map(({ path }) => path.replace(/^(?:\.\/)+/, '').split('/')[0]));
  if (tops.size !== 1)
    throw failure('ChartInvalid', `the archive of ${subject} holds ${tops.size} folders instead of one`);
  const found = files.filter(({ path }) => /^(?:\.\/)*[^/]+\/Chart\.yaml$/.test(path));
  const [file] = found;
  if (file === undefined || found.length > 1) {
    throw failure('ChartInvalid', `the archive of ${subject} holds ${found.length} files Chart.yaml instead of one`);
  }
  const parsed = ChartYaml.safeParse(parseYaml(file.body));
  if (!parsed.success) throw failure('ChartInvalid', `Chart.yaml of ${subject} has no readable name and version`);
  return parsed.data;
}

function parseYaml(body: Buffer): unknown {
  try {
    return parse(body.toString('utf8'), { maxAliasCount: 100 });
  } catch {
    return null;
  }
}

function mayHavePostHooks(files: readonly File[]): boolean {
  const packed = files.some(({ path }) => /\/charts\/[^/]+\.(?:tgz|tar\.gz)$/.test(path));
  return (
    packed || files.some(({ path, body }) => /\/templates\//.test(path) && speaksOfPostHooks(body.toString('utf8')))
  );
}

function speaksOfPostHooks(template: string): boolean {
  return template.includes('helm.sh/hook') && /post-(?:install|upgrade)/.test(template);
}
