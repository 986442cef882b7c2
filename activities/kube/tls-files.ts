import { readFile, realpath, stat } from 'node:fs/promises';
import { isAbsolute, sep } from 'node:path';
import { failure } from '../failures.ts';
import type { Repository } from './credentials.ts';
import type { HelmRepositoryFields } from './schema.ts';

/** The fields of `auth.tls` that name files: an authority, a client certificate, its key. */
export const TLS_FILES = ['caFile', 'certFile', 'keyFile'] as const;
type TlsFile = (typeof TLS_FILES)[number];

/** More than any chain of certificates has. */
const MAX_BYTES = 1024 * 1024;

/** Those that are set. */
export function tlsFilesOf({ auth }: Pick<HelmRepositoryFields, 'auth'>): readonly TlsFile[] {
  return TLS_FILES.filter((field) => (auth?.tls?.[field] ?? '') !== '');
}

/**
 * Read the files that a HelmRepository names, by field. Only files below one folder can be named, also by way of links:
 * whoever may write a HelmRepository is not thereby given what else the worker can read.
 */
export async function readTlsFiles(folder: string, repository: Repository): Promise<Readonly<Record<string, string>>> {
  const tls = repository.spec.auth?.tls;
  const read = tlsFilesOf(repository.spec).map(async (field) => {
    const path = tls?.[field] ?? '';
    return [field, await readBelow(folder, { path, subject: `auth.tls.${field} of ${nameOf(repository)}` })] as const;
  });
  return Object.fromEntries(await Promise.all(read));
}

export const nameOf = ({ namespace, name }: Repository): string => `HelmRepository ${namespace}/${name}`;

interface Named {
  readonly path: string;
  readonly subject: string;
}

async function readBelow(folder: string, { path, subject }: Named): Promise<string> {
  const told = `${subject} is ${JSON.stringify(path.slice(0, 500))}`;
  // The folder may be a link itself, as a mounted Secret is full of them.
  const root = await realpath(folder).catch(() => folder);
  const lexical = isAbsolute(path) && !path.split('/').includes('..') && path.startsWith(withSlash(folder));
  const real = lexical ? await realpath(path).catch(() => null) : path;
  if (real === null) throw failure('SecretNotFound', `${told}, and the worker has no such file`);
  if (!lexical || !real.startsWith(withSlash(root))) {
    throw failure(
      'SpecInvalid',
      `${told}: only files below ${folder} of the worker (HOLDFAST_TLS_FILES_DIR) can be named`,
    );
  }
  const { size } = await stat(real);
  if (size > MAX_BYTES) throw failure('SecretInvalid', `${told}, which has more than ${MAX_BYTES} bytes`);
  return readFile(real, 'utf8').catch((error: unknown) => {
    throw failure('SecretInvalid', `${told}, which the worker cannot read`, error);
  });
}

const withSlash = (folder: string): string => (folder.endsWith(sep) ? folder : `${folder}${sep}`);
