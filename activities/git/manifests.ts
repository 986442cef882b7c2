import ignore, { type Ignore } from 'ignore';
import type { Failure } from '../../workflows/core/failures.ts';
import { failure } from '../failures.ts';
import { parseYaml } from '../yaml.ts';
import { MAX_FILE_BYTES, type Snapshot, type TreeEntry } from './mirror.ts';

/** A document that has apiVersion and kind; not checked any further. */
export interface ManifestDocument {
  /** `path/of/file.yaml:12` */
  readonly where: string;
  readonly value: Readonly<Record<string, unknown>> & { readonly apiVersion: string; readonly kind: string };
}

export type Problem = Failure & { readonly where: string };

export interface Manifests {
  readonly documents: readonly ManifestDocument[];
  /** Documents without apiVersion and kind, charts, dot folders and what `.holdfastignore` names. */
  readonly skipped: number;
  readonly problems: readonly Problem[];
}

const MAX_FILES = 5_000;
const MAX_TOTAL_DOCUMENTS = 10_000;
const IGNORE_FILE = '.holdfastignore';
const LFS_POINTER = 'version https://git-lfs.github.com/spec/v1';
const KUSTOMIZATIONS = new Set(['kustomization.yaml', 'kustomization.yml', 'Kustomization']);

/** Read every manifest under a folder of a commit. What cannot be read is a problem of its own and stops nothing else. */
export async function readManifests(
  snapshot: Snapshot,
  { path, ignore: rules }: { readonly path: string; readonly ignore: string },
): Promise<Manifests> {
  const root = normalizePath(path);
  const all = await snapshot.list();
  const tree = all.filter((entry) => isUnder(entry.path, root));
  if (tree.length === 0 && root !== '') {
    throw failure('GitPathNotFound', `there is no folder ${root} in ${snapshot.revision}; check spec.path`);
  }
  const { files, skipped, problems } = selectFiles(tree, root, [
    ...(await readIgnoreFiles(snapshot, all)),
    { folder: root, rules: ignore().add(rules) },
  ]);
  if (files.length > MAX_FILES) {
    throw failure(
      'GitTooLarge',
      `${String(files.length)} manifest files under spec.path; at most ${String(MAX_FILES)} are read`,
    );
  }
  const contents = await snapshot.read(files.map(({ oid }) => oid));
  const read = files.map((file, index) => readFile(file.path, contents[index] ?? null));
  const documents = read.flatMap((file) => file.documents);
  if (documents.length > MAX_TOTAL_DOCUMENTS) {
    throw failure(
      'GitTooLarge',
      `${String(documents.length)} documents under spec.path; at most ${String(MAX_TOTAL_DOCUMENTS)} are applied`,
    );
  }
  return {
    documents,
    skipped: read.reduce((sum, file) => sum + file.skipped, skipped),
    problems: [...problems, ...read.flatMap((file) => file.problems)],
  };
}

/** `./apps/` → `apps`. The folder must lie in the repository. */
export function normalizePath(path: string): string {
  const segments = path.split('/').filter((segment) => segment !== '' && segment !== '.');
  if (segments.includes('..') || path.includes('\\')) {
    throw failure(
      'SpecInvalid',
      `spec.path is "${path}"; write a folder of the repository, such as ./clusters/production`,
    );
  }
  return segments.join('/');
}

function isUnder(path: string, root: string): boolean {
  return root === '' || path.startsWith(`${root}/`);
}

interface Selection {
  readonly files: readonly TreeEntry[];
  readonly skipped: number;
  readonly problems: readonly Problem[];
}

function selectFiles(tree: readonly TreeEntry[], root: string, ignored: readonly Ignored[]): Selection {
  const inRoot = (path: string): string => (root === '' ? path : path.slice(root.length + 1));
  const charts = tree
    .filter(({ path }) => /(^|\/)Chart\.yaml$/.test(path))
    .map(({ path }) => path.replace(/Chart\.yaml$/, ''));
  const isLeftOut = (path: string): boolean =>
    charts.some((folder) => path.startsWith(folder)) ||
    inRoot(path)
      .split('/')
      .slice(0, -1)
      .some((folder) => folder.startsWith('.')) ||
    ignored.some((one) => isIgnored(path, one));

  const files: TreeEntry[] = [];
  const problems: Problem[] = [];
  let skipped = 0;
  for (const entry of tree) {
    const concern = concernOf(entry);
    if (concern === 'none') continue;
    if (isSafe(entry.path) && isLeftOut(entry.path)) skipped += 1;
    else if (concern === 'read') files.push(entry);
    else problems.push({ where: printable(entry.path), code: 'GitContentInvalid', message: concern.problem });
  }
  return { files, skipped, problems };
}

/** What a tree entry is to us: a file to read, nothing, or something that cannot be taken for a manifest. */
function concernOf({ mode, path }: TreeEntry): 'none' | 'read' | { readonly problem: string } {
  const named = /\.ya?ml$/.test(path);
  if (!isSafe(path)) return { problem: 'its path leaves the repository or holds characters that no file name needs' };
  if (mode === '160000') return { problem: 'is a submodule, which is not followed; name it in .holdfastignore' };
  if (KUSTOMIZATIONS.has(path.slice(path.lastIndexOf('/') + 1))) {
    return {
      problem:
        'kustomize is not run; the manifests beside it are applied as they stand: remove it, or name it in .holdfastignore',
    };
  }
  if (mode === '120000') return named ? { problem: 'is a symbolic link, which is not followed' } : 'none';
  return named ? 'read' : 'none';
}

/** Git itself refuses such trees (`transfer.fsckObjects`); this does not depend on it. */
function isSafe(path: string): boolean {
  return (
    // eslint-disable-next-line no-control-regex -- control characters are what is looked for
    !/[\x00-\x1f\x7f\\]/.test(path) && !path.split('/').some((part) => part === '' || part === '.' || part === '..')
  );
}

/** Rules in the format of .gitignore, for what lies below a folder. */
interface Ignored {
  readonly folder: string;
  readonly rules: Ignore;
}

/** As with .gitignore, each folder may have a file of its own. */
async function readIgnoreFiles(snapshot: Snapshot, tree: readonly TreeEntry[]): Promise<readonly Ignored[]> {
  const files = tree.filter(({ path, mode }) => isIgnoreFile(path) && mode.startsWith('100'));
  const contents = await snapshot.read(files.map(({ oid }) => oid));
  return files.map(({ path }, index) => {
    const content = contents[index];
    if (content == null) throw failure('GitTooLarge', `${printable(path)} is too large`);
    return { folder: path.split('/').slice(0, -1).join('/'), rules: ignore().add(content.toString('utf8')) };
  });
}

function isIgnoreFile(path: string): boolean {
  return path === IGNORE_FILE || path.endsWith(`/${IGNORE_FILE}`);
}

function isIgnored(path: string, { folder, rules }: Ignored): boolean {
  return isUnder(path, folder) && rules.ignores(folder === '' ? path : path.slice(folder.length + 1));
}

function readFile(path: string, content: Buffer | null): Manifests {
  const invalid = (code: Failure['code'], message: string): Manifests => ({
    documents: [],
    skipped: 0,
    problems: [{ where: path, code, message }],
  });
  if (content === null) return invalid('GitTooLarge', `is larger than ${String(MAX_FILE_BYTES / 1024 / 1024)} MiB`);
  if (content.subarray(0, LFS_POINTER.length).toString('latin1') === LFS_POINTER) {
    return invalid('GitContentInvalid', 'is a Git LFS pointer, which is not followed');
  }
  const text = decode(content);
  if (text === null) return invalid('ManifestInvalid', 'is not UTF-8 text');
  return readDocuments(path, text);
}

function decode(content: Buffer): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(content);
  } catch {
    // the only thing that a fatal decoder throws is that the bytes are not UTF-8
    return null;
  }
}

function readDocuments(path: string, text: string): Manifests {
  const documents: ManifestDocument[] = [];
  const problems: Problem[] = [];
  let skipped = 0;
  for (const parsed of parseYaml(text)) {
    const where = `${path}:${String(parsed.line)}`;
    if (parsed.kind === 'invalid') {
      problems.push({ where, code: 'ManifestInvalid', message: parsed.reason });
      continue;
    }
    for (const value of unfold(parsed.value)) {
      if (isManifest(value)) documents.push({ where, value });
      else if (isMeantAsManifest(value)) problems.push({ where, code: 'ManifestInvalid', message: NO_HEADER });
      else skipped += 1;
    }
  }
  return { documents, skipped, problems };
}

/** `kind: List` stands for its items. */
function unfold(value: unknown): readonly unknown[] {
  const isList =
    isManifest(value) && value.apiVersion === 'v1' && value.kind === 'List' && Array.isArray(value['items']);
  return isList ? (value['items'] as readonly unknown[]) : [value];
}

function isManifest(value: unknown): value is ManifestDocument['value'] {
  return (
    typeof value === 'object' &&
    value !== null &&
    'apiVersion' in value &&
    typeof value.apiVersion === 'string' &&
    'kind' in value &&
    typeof value.kind === 'string'
  );
}

const NO_HEADER =
  'looks like a manifest but has no apiVersion and kind; mend it, or name the file in .holdfastignore if it is none';

/**
 * A manifest whose header is broken must not pass for a values file: it would be skipped without a word, and the
 * object that it declares would be pruned.
 */
function isMeantAsManifest(value: unknown): boolean {
  if (Array.isArray(value)) return value.some((item) => isManifest(item) || isMeantAsManifest(item));
  if (typeof value !== 'object' || value === null) return false;
  const keys = new Set(Object.keys(value).map((key) => key.toLowerCase()));
  return (keys.has('apiversion') && keys.has('kind')) || hasName('metadata' in value ? value.metadata : null);
}

function hasName(metadata: unknown): boolean {
  return typeof metadata === 'object' && metadata !== null && 'name' in metadata;
}

function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, 200);
}
