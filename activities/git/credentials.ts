import { failure } from '../failures.ts';

/** What a Secret for Git may hold; `data` decoded. */
export type SecretData = ReadonlyMap<string, string>;

/**
 * The `Authorization` header for the credentials of a Secret: `username` and `password`, or `bearerToken`, or `token`
 * (an access token of GitHub, GitLab and their like, which they take as the password of any user).
 */
export function authorizationOf(data: SecretData, secret: string): string {
  const read = (key: string): string | null => value(data, key, secret);
  const bearer = read('bearerToken');
  if (bearer !== null) return `Bearer ${bearer}`;
  const username = read('username');
  const token = read('token');
  if (token !== null) return basic(username ?? 'x-access-token', token);
  const password = read('password');
  if (username !== null && password !== null) return basic(username, password);
  const missing =
    username === null && password === null ? 'username and password' : username === null ? 'username' : 'password';
  throw failure(
    'SecretInvalid',
    `Secret ${secret} has no key ${missing}; Git wants username and password, or token, or bearerToken`,
  );
}

function value(data: SecretData, key: string, secret: string): string | null {
  // Files and `kubectl create secret --from-file` often end in a line break that belongs to no credential.
  const text = data.get(key)?.replace(/\r?\n$/, '');
  if (text === undefined) return null;
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  if (text === '' || /[\x00-\x1f\x7f]/.test(text)) {
    throw failure('SecretInvalid', `key ${key} of Secret ${secret} is empty or holds control characters`);
  }
  return text;
}

function basic(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`, 'utf8').toString('base64')}`;
}
