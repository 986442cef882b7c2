import { failure } from '../failures.ts';

/** A repository's URL as people may see it: a query may hold a token. */
export function shownUrl(url: string): string {
  const { origin, pathname } = repositoryUrl(url);
  return `${origin}${pathname.replace(/\/+$/, '')}`;
}

/** Where the index of a repository is; a query stays. */
export function indexUrl(url: string): URL {
  const index = repositoryUrl(url);
  index.pathname = `${index.pathname.replace(/\/+$/, '')}/index.yaml`;
  return index;
}

/**
 * Where the archive of a chart is that an index names, as Helm resolves it: what is relative lies below the repository
 * and keeps its query. Throws `ChartInvalid` for what is no address that we would ask.
 */
export function archiveUrl(repository: string, named: string, what: string): URL {
  const base = repositoryUrl(repository);
  base.pathname = `${base.pathname.replace(/\/+$/, '')}/`;
  const url = URL.parse(named, base.href);
  if (url === null) throw refused(what, 'an address that cannot be read');
  if (!/^https?:$/.test(url.protocol)) {
    throw refused(what, `an address that begins with ${url.protocol}, where only https: and http: are followed`);
  }
  if (base.protocol === 'https:' && url.protocol === 'http:') {
    throw refused(what, 'an address that begins with http:, although the repository itself has https:');
  }
  if (url.username !== '' || url.password !== '') throw refused(what, 'an address with credentials in it');
  const relative = !URL.canParse(named) && url.origin === base.origin;
  if (relative && url.search === '') url.search = base.search;
  return url;
}

function refused(what: string, why: string): Error {
  return failure('ChartInvalid', `the index names for ${what} ${why}`);
}

function repositoryUrl(url: string): URL {
  const parsed = URL.parse(url.trim());
  if (parsed === null || !/^https?:$/.test(parsed.protocol)) {
    throw failure('SpecInvalid', 'the URL of the chart repository is no address that begins with https:// or http://');
  }
  if (parsed.username !== '' || parsed.password !== '') {
    throw failure('SpecInvalid', 'the URL of the chart repository holds credentials; put them into a Secret');
  }
  parsed.hash = '';
  return parsed;
}
