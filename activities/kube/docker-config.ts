import { z } from 'zod';
import { failure } from '../failures.ts';
import { matchRepository } from '../match-repository.ts';

/** The key of a Secret of type `kubernetes.io/dockerconfigjson`. */
export const DOCKER_CONFIG = '.dockerconfigjson';

const Entry = z.object({
  username: z.string().optional(),
  password: z.string().optional(),
  /** `user:password` in base64. */
  auth: z.string().optional(),
});
const DockerConfig = z.object({ auths: z.record(z.string(), Entry) });

interface Asked {
  /** URL of the repository. */
  readonly url: string;
  /** `namespace/name` of the Secret, for messages. */
  readonly secret: string;
}

/**
 * The login for a URL out of what `docker login` and `kubectl create secret docker-registry` write: that of the longest
 * entry whose path segments begin the URL's.
 */
export function readDockerConfig(text: string, { url, secret }: Asked): { username: string; password: string } {
  const config = DockerConfig.safeParse(parseJson(text));
  if (!config.success) throw invalid(secret, `its key ${DOCKER_CONFIG} is no configuration of Docker with auths in it`);
  const entries = Object.keys(config.data.auths);
  const candidates = entries.map((name) => ({ namespace: '', name, url: name.replace(/\/v[12]\/?$/, '') }));
  const match = matchRepository(url, candidates, { namespace: '', crossNamespace: 'denied' });
  // Aliases of one registry, such as those of Docker Hub: any of them will do.
  const [first] = match.kind === 'ambiguous' ? match.repositories : match.kind === 'one' ? [match.repository] : [];
  if (first === undefined) {
    throw invalid(secret, `it has no entry for ${url}; its entries are: ${entries.sort().join(', ') || 'none'}`);
  }
  const login = loginOf(config.data.auths[first.name] ?? {});
  if (login === null) throw invalid(secret, `its entry ${first.name} has no user name and password`);
  return login;
}

function loginOf({ username, password, auth }: z.infer<typeof Entry>): { username: string; password: string } | null {
  if (given(username) && given(password)) return { username, password };
  const decoded = Buffer.from(auth ?? '', 'base64').toString('utf8');
  // Passwords hold colons, user names do not.
  const colon = decoded.indexOf(':');
  if (colon < 1 || colon === decoded.length - 1) return null;
  return { username: decoded.slice(0, colon), password: decoded.slice(colon + 1) };
}

function given(text: string | undefined): text is string {
  return text !== undefined && text !== '';
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null; // its text is a secret, and so is what the parser says of it
  }
}

function invalid(secret: string, why: string): Error {
  return failure('SecretInvalid', `Secret ${secret} cannot be used: ${why}`);
}
