/** When a cloud is asked for a token, and when not. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CloudToken } from '../../../activities/cloud/token.ts';
import { createCloudTokens, type AskCloud, type CloudTokens } from '../../../activities/cloud/tokens.ts';
import { failure } from '../../../activities/failures.ts';
import { PLAIN_TRANSPORT, type Login } from '../../../activities/http/transport.ts';

const HOUR = 3_600_000;
const START = { now: Date.now() };
const FRANKFURT = '123456789012.dkr.ecr.eu-central-1.amazonaws.com';

/** Answers with what stands in `lives`, and counts. */
function aCloud(clock: { readonly now: number }, ...lives: (number | Error)[]): { ask: AskCloud; asked: () => number } {
  let asked = 0;
  return {
    asked: () => asked,
    ask: (): Promise<CloudToken> => {
      const life = lives[asked] ?? HOUR;
      asked += 1;
      if (life instanceof Error) return Promise.reject(life);
      return Promise.resolve({ username: 'AWS', password: `token-${asked}`, expiresAt: clock.now + life });
    },
  };
}

const login = (tokens: CloudTokens, host = FRANKFURT, provider = 'aws'): Promise<Login> =>
  tokens.loginAt({
    provider,
    host,
    repository: 'apps/charts',
    transport: PLAIN_TRANSPORT,
    signal: new AbortController().signal,
  });

describe('a token of a cloud', () => {
  it('is asked for once by all who want it at the same time, and later', async () => {
    const cloud = aCloud(START);
    const tokens = createCloudTokens(cloud.ask);
    const all = await Promise.all(Array.from({ length: 20 }, () => login(tokens)));
    all.push(await login(tokens));
    assert.deepEqual([...new Set(all.map(({ password }) => password))], ['token-1']);
    assert.equal(cloud.asked(), 1);
  });

  it('serves the registries of all accounts of a region, and no other', async () => {
    const cloud = aCloud(START);
    const tokens = createCloudTokens(cloud.ask);
    const [one, other, elsewhere] = [
      await login(tokens),
      await login(tokens, FRANKFURT.replace('1234', '9876')),
      await login(tokens, FRANKFURT.replace('central', 'west')),
    ];
    assert.deepEqual([one.password, other.password, elsewhere.password], ['token-1', 'token-1', 'token-2']);
  });

  it('tells its end, its cloud and the HelmRepository', async () => {
    assert.deepEqual(await login(createCloudTokens(aCloud(START, HOUR).ask)), {
      username: 'AWS',
      password: 'token-1',
      secret: 'apps/charts',
      provider: 'aws',
      expiresAt: START.now + HOUR,
    });
  });

  it('is replaced five minutes before its end', async () => {
    const clock = { now: Date.now() };
    const cloud = aCloud(clock, HOUR);
    const tokens = createCloudTokens(cloud.ask, { now: () => clock.now });
    const seen = [];
    for (const passed of [0, HOUR - 301_000, 2_000]) {
      clock.now += passed;
      seen.push((await login(tokens)).password);
    }
    assert.deepEqual(seen, ['token-1', 'token-1', 'token-2']);
  });

  it('that lives for seconds only is used for four fifths of them', async () => {
    const clock = { now: Date.now() };
    const cloud = aCloud(clock, 10_000);
    const tokens = createCloudTokens(cloud.ask, { now: () => clock.now });
    const seen = [];
    for (const passed of [0, 7_900, 200]) {
      clock.now += passed;
      seen.push((await login(tokens)).password);
    }
    assert.deepEqual(seen, ['token-1', 'token-1', 'token-2']);
  });

  it('that is old is used nevertheless while the cloud does not answer, until its end', async () => {
    const clock = { now: Date.now() };
    const away = Object.assign(new TypeError('connect'), { code: 'ECONNREFUSED' });
    const cloud = aCloud(clock, HOUR, away, away, HOUR);
    const tokens = createCloudTokens(cloud.ask, { now: () => clock.now });
    await login(tokens);
    clock.now += HOUR - 60_000;
    assert.equal((await login(tokens)).password, 'token-1');
    clock.now += 60_000;
    await assert.rejects(login(tokens), { code: 'CloudUnreachable' });
    assert.equal((await login(tokens)).password, 'token-4');
  });

  it('that a registry refused is not used again', async () => {
    const cloud = aCloud(START);
    const tokens = createCloudTokens(cloud.ask);
    const refused = await login(tokens);
    tokens.forget(refused);
    assert.equal((await login(tokens)).password, 'token-2');
    tokens.forget(refused);
    assert.equal((await login(tokens)).password, 'token-2', 'the refusal was of another one');
    assert.equal(cloud.asked(), 2);
  });

  it('that was not to be had is asked for again by the next', async () => {
    const tokens = createCloudTokens(aCloud(START, failure('CloudRejected', 'no'), HOUR).ask);
    await assert.rejects(login(tokens), { code: 'CloudRejected', message: 'no' });
    assert.equal((await login(tokens)).password, 'token-2');
  });

  it('is not waited for without end', async () => {
    const never: AskCloud = () => new Promise(() => undefined);
    await assert.rejects(login(createCloudTokens(never, { timeoutMs: 20 })), {
      code: 'CloudUnreachable',
      message: `cannot reach provider aws for a token for registry ${FRANKFURT}: no answer within 0.02 s`,
    });
  });

  it('is not asked for where it would go to another cloud', async () => {
    const cloud = aCloud(START);
    await assert.rejects(login(createCloudTokens(cloud.ask), 'ghcr.io'), { code: 'SpecInvalid' });
    assert.equal(cloud.asked(), 0);
  });
});
