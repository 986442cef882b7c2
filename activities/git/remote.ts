import { failure } from '../failures.ts';
import type { RunGit } from './command.ts';

/** Which commit to take; at most one of the three is set, none: the default branch. */
export interface WantedRef {
  readonly branch: string | null;
  readonly tag: string | null;
  readonly commit: string | null;
}

/** A commit and how people call it: `main@<sha>`, `v1.2.3@<sha>`, or the sha alone. */
export interface Resolved {
  readonly commit: string;
  readonly revision: string;
}

/** A remote as a pass sees it. */
export interface Remote {
  readonly url: string;
  /** Value of the `Authorization` header. */
  readonly authorization: string | null;
}

const MAX_LISTING_BYTES = 1024 * 1024;
const OBJECT_ID = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

/** Check an address before git sees it. Credentials in it would end up in messages: they belong into a Secret. */
export function checkUrl(text: string): string {
  const refuse = (why: string): never => {
    throw failure('GitUrlInvalid', `spec.url ${why}`);
  };
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[\x00-\x20\x7f\\]/.test(text)) refuse('holds a blank, a backslash or a control character');
  if (!URL.canParse(text)) refuse('is not an address; write https://host/path');
  const url = new URL(text);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    refuse(`begins with ${url.protocol}, but only http: and https: are supported`);
  }
  if (url.username !== '' || url.password !== '')
    refuse('holds credentials; put them into a Secret and name it in spec.secretRef');
  if (url.search !== '' || url.hash !== '')
    refuse('has a query or a fragment; write the plain address of the repository');
  if (url.hostname.startsWith('-')) refuse('has a host that begins with a dash');
  return text;
}

/** Ask the remote where a ref points. Nothing is fetched. */
export async function resolveRef(
  run: RunGit,
  remote: Remote,
  { ref, cwd, signal }: { readonly ref: WantedRef; readonly cwd: string; readonly signal: AbortSignal },
): Promise<Resolved> {
  if (ref.commit !== null) return resolveCommit(ref.commit);
  const patterns = patternsOf(ref);
  const answer = await run({
    args: ['ls-remote', '--symref', '--', remote.url, ...patterns],
    cwd,
    signal,
    ...remote,
    maxOutputBytes: MAX_LISTING_BYTES,
  });
  const { refs, head } = parseListing(answer.toString('utf8'));
  if (ref.tag !== null) {
    const name = `refs/tags/${ref.tag}`;
    // An annotated tag lists the commit that it stands for in a second line.
    return found(refs.get(`${name}^{}`) ?? refs.get(name), ref.tag, `${remote.url} has no tag ${ref.tag}`);
  }
  if (ref.branch !== null) {
    return found(refs.get(`refs/heads/${ref.branch}`), ref.branch, `${remote.url} has no branch ${ref.branch}`);
  }
  const branch = head?.startsWith('refs/heads/') === true ? head.slice('refs/heads/'.length) : 'HEAD';
  return found(
    refs.get('HEAD'),
    branch,
    `${remote.url} has no default branch: it is empty, its HEAD names none, or it is no Git repository`,
  );
}

function resolveCommit(commit: string): Resolved {
  if (OBJECT_ID.test(commit)) return { commit, revision: commit };
  throw failure('SpecInvalid', `spec.ref.commit is "${commit}", not a full commit id of 40 hex digits`);
}

function patternsOf({ branch, tag }: WantedRef): readonly string[] {
  if (tag !== null) return [`refs/tags/${checkRef(tag)}`, `refs/tags/${tag}^{}`];
  return branch === null ? ['HEAD'] : [`refs/heads/${checkRef(branch)}`];
}

/** `git check-ref-format`, and no glob: ls-remote takes patterns. */
function checkRef(name: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  const forbidden = /[\x00-\x20\x7f~^:?*[\]\\]|\.\.|@\{|\/\/|^\/|\/$|\.$|\.lock$|^\.|\/\./;
  if (name === '' || name === '@' || forbidden.test(name)) {
    throw failure(
      'SpecInvalid',
      `spec.ref names "${name.replace(/[^\x20-\x7e]/g, '?')}", which cannot be the name of a branch or tag`,
    );
  }
  return name;
}

function found(commit: string | undefined, name: string, message: string): Resolved {
  if (commit === undefined) throw failure('GitRefNotFound', message);
  return { commit, revision: `${name}@${commit}` };
}

function parseListing(text: string): { readonly refs: ReadonlyMap<string, string>; readonly head: string | null } {
  const refs = new Map<string, string>();
  let head: string | null = null;
  for (const line of text.split('\n')) {
    const [left = '', name = ''] = line.split('\t');
    if (name === 'HEAD' && left.startsWith('ref: ')) head = left.slice('ref: '.length);
    else if (OBJECT_ID.test(left)) refs.set(name, left);
  }
  return { refs, head };
}
