import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { GIT_ERRORS, toGitFailure } from '../../../activities/git/errors.ts';
import type { FailureCode } from '../../../workflows/core/failures.ts';

const URL = 'https://git.example.com/a.git';

/** What git 2.39 wrote, byte for byte but for the host. */
const SAMPLES: readonly (readonly [sample: string, code: FailureCode, message: RegExp])[] = [
  [
    `fatal: unable to access '${URL}/': The requested URL returned error: 301`,
    'GitRedirected',
    /write the address that it leads to into spec\.url/,
  ],
  [
    "fatal: could not read Username for 'https://git.example.com': terminal prompts disabled",
    'GitAuthRejected',
    /wants other credentials$/,
  ],
  [`fatal: unable to access '${URL}/': The requested URL returned error: 403`, 'GitAuthRejected', /403/],
  [`fatal: repository '${URL}/' not found`, 'GitNotFound', /is not a Git repository/],
  ['fatal: dumb http transport does not support shallow capabilities', 'GitNotFound', /smart HTTP/],
  ["fatal: couldn't find remote ref refs/heads/x", 'GitRefNotFound', /has no refs\/heads\/x$/],
  [
    'fatal: remote error: upload-pack: not our ref aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',
    'GitRefNotFound',
    /has no a{40}$/,
  ],
  [
    `fatal: unable to access '${URL}/': server certificate verification failed. CAfile: /etc/ssl/certs/ca-certificates.crt CRLfile: none`,
    'GitTlsRejected',
    /not trusted/,
  ],
  [
    `fatal: unable to access '${URL}/': SSL certificate problem: self-signed certificate`,
    'GitTlsRejected',
    /not trusted/,
  ],
  ['error: file write error: No space left on device\nfatal: unable to write', 'DiskFull', /disk of the worker/],
  [
    `fatal: unable to access '${URL}/': Could not resolve host: git.example.com`,
    'GitUnreachable',
    /host name is not known/,
  ],
  [
    `fatal: unable to access '${URL}/': Failed to connect to 127.0.0.1 port 1 after 0 ms: Couldn't connect to server`,
    'GitUnreachable',
    /connection refused/,
  ],
  [`fatal: unable to access '${URL}/': Empty reply from server`, 'GitUnreachable', /broke off/],
  [
    `fatal: unable to access '${URL}/': Operation too slow. Less than 1000 bytes/sec transferred the last 30 seconds`,
    'GitUnreachable',
    /fell silent/,
  ],
  [
    `fatal: unable to access '${URL}/': transfer closed with outstanding read data remaining`,
    'GitUnreachable',
    /broke off/,
  ],
  [`fatal: unable to access '${URL}/': The requested URL returned error: 429`, 'GitUnreachable', /error 429$/],
  [`fatal: unable to access '${URL}/': The requested URL returned error: 503`, 'GitUnreachable', /error 503$/],
  [
    "error: object 0f3b: hasDotdot: contains '..'\nfatal: fsck error in packed object\nfatal: fetch-pack: invalid index-pack output",
    'GitContentInvalid',
    /own check refuses/,
  ],
  ["fatal: transport 'file' not allowed", 'GitUrlInvalid', /http or https/],
  ["git: 'remote-foo' is not a git command. See 'git --help'.", 'GitUrlInvalid', /http or https/],
];

describe('git errors', () => {
  for (const [sample, code, message] of SAMPLES) {
    it(`${code}: ${sample.slice(0, 80)}`, () => {
      const error = toGitFailure(sample, URL);
      assert.equal(error.code, code);
      assert.match(error.message, message);
      assert.ok(error.message.startsWith(URL));
    });
  }

  it('has a sample for every row', () => {
    const untouched = GIT_ERRORS.filter(
      (row) => !SAMPLES.some(([sample]) => GIT_ERRORS.find(({ pattern }) => pattern.test(sample)) === row),
    );
    assert.deepEqual(untouched, []);
  });

  it('passes on what git says of an unknown error, without userinfo, and nothing of what the server says', () => {
    const error = toGitFailure('remote: hunter2\nfatal: odd \u001b[31m https://u:hunter2@host/x', URL);
    assert.equal(error.code, 'GitUnreachable');
    assert.equal(error.message, `${URL} could not be read: odd ?[31m https://host/x`);
  });
});
