/** Classic chart repositories: folders that the real helm has filled and indexed, behind a static web server. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync, statSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { runHelm } from '../../stack/chart-archive.ts';
import { packTestChart, type TestChart } from './chart.ts';
import { temporaryFolder } from './harness.ts';
import { basicAuth, serveWeb, type Web } from './web.ts';

export interface ChartRepository extends Web {
  /** Where `index.yaml` is. */
  readonly url: string;
  /** The same folder for everybody, on an origin of its own, which redirects lead to. */
  readonly elsewhere: Web;
  /** The files that are served. */
  readonly folder: string;
  /** Package charts, and make the index anew. */
  publish(...charts: readonly TestChart[]): Promise<void>;
}

export interface RepositoryOptions {
  /** Who may read it. */
  readonly login?: { readonly username: string; readonly password: string };
  /** Redirect archives to `elsewhere`. */
  readonly redirect?: boolean;
  /** Where the index says that the archives are; default: beside it. */
  readonly archives?: 'beside' | 'elsewhere';
  /** How it tells that something has not changed. */
  readonly validator?: 'etag' | 'last-modified' | 'none';
  readonly json?: boolean;
}

export async function chartRepository(bin: string, options: RepositoryOptions = {}): Promise<ChartRepository> {
  const home = temporaryFolder();
  const folder = temporaryFolder();
  const elsewhere = await serveWeb(filesOf(folder, {}));
  const web = await serveWeb((request, response) => {
    if (options.login !== undefined && request.headers.authorization !== basicAuth(options.login)) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="charts"' }).end();
    } else if (options.redirect === true && request.url?.endsWith('.tgz') === true) {
      response.writeHead(302, { location: `${elsewhere.origin}${request.url}` }).end();
    } else {
      filesOf(folder, options)(request, response);
    }
  });
  return {
    ...web,
    url: `${web.origin}/charts`,
    elsewhere,
    folder,
    async publish(...charts) {
      for (const chart of charts) {
        const archive = await packTestChart({ bin, home }, chart);
        renameSync(archive, join(folder, basename(archive)));
      }
      const at = options.archives === 'elsewhere' ? ['--url', `${elsewhere.origin}/charts`] : [];
      const json = options.json === true ? ['--json'] : [];
      await runHelm({ bin, home }, ['repo', 'index', folder, ...at, ...json]);
    },
  };
}

function filesOf(folder: string, { validator = 'etag' }: RepositoryOptions): RequestListener {
  return (request, response) => {
    const name = /^\/charts\/([^/?]+)(?:\?.*)?$/.exec(request.url ?? '')?.[1] ?? '';
    const file = join(folder, decodeURIComponent(name));
    if (name === '' || !existsSync(file)) {
      response.writeHead(404).end('not found');
      return;
    }
    const body = readFileSync(file);
    const etag = `"${createHash('sha256').update(body).digest('hex').slice(0, 16)}"`;
    const modified = statSync(file).mtime.toUTCString();
    const validators = { etag: { etag }, 'last-modified': { 'last-modified': modified }, none: {} }[validator];
    const known = { etag: request.headers['if-none-match'], 'last-modified': request.headers['if-modified-since'] };
    if (validator !== 'none' && known[validator] === { etag, 'last-modified': modified }[validator]) {
      response.writeHead(304, validators).end();
    } else if (name.endsWith('.yaml') && request.headers['accept-encoding']?.includes('gzip') === true) {
      response.writeHead(200, { ...validators, 'content-encoding': 'gzip' }).end(gzipSync(body));
    } else {
      response.writeHead(200, validators).end(body);
    }
  };
}
