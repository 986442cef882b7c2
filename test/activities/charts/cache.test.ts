import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { createChartCache } from '../../../activities/charts/cache.ts';
import { temporaryFolder } from '../../support/harness.ts';

const digestOf = (body: Buffer): string => `sha256:${createHash('sha256').update(body).digest('hex')}`;
const never = (): Promise<Buffer> => Promise.reject(new Error('fetched again'));

describe('chart cache', () => {
  it('fetches once, keeps one private file per digest', async () => {
    const folder = temporaryFolder();
    const body = Buffer.from('chart');
    const cache = createChartCache(folder);
    assert.deepEqual(await cache.get(digestOf(body), () => Promise.resolve(body)), body);
    assert.deepEqual(await cache.get(digestOf(body), never), body);
    const names = readdirSync(folder);
    assert.deepEqual(names, [`${digestOf(body).replace(':', '-')}.tgz`]);
    assert.equal(statSync(join(folder, names[0] ?? '')).mode % 0o1000, 0o600);
  });

  it('fetches again what was spoilt on disk', async () => {
    const folder = temporaryFolder();
    const body = Buffer.from('chart');
    const cache = createChartCache(folder);
    await cache.get(digestOf(body), () => Promise.resolve(body));
    writeFileSync(join(folder, readdirSync(folder)[0] ?? ''), 'spoilt');
    assert.deepEqual(await cache.get(digestOf(body), () => Promise.resolve(body)), body);
  });

  it('keeps nothing that is not what it should be', async () => {
    const folder = temporaryFolder();
    const wrong = createChartCache(folder).get(digestOf(Buffer.from('a')), () => Promise.resolve(Buffer.from('b')));
    await assert.rejects(wrong, { code: 'DigestMismatch' });
    assert.deepEqual(readdirSync(folder), []);
  });

  it('forgets what was not used for longest', async () => {
    const folder = temporaryFolder();
    const cache = createChartCache(folder, 10);
    const [a, b, c] = ['aaaa', 'bbbb', 'cccc'].map((text) => Buffer.from(text)) as [Buffer, Buffer, Buffer];
    const age = (body: Buffer, seconds: number): void => {
      const at = new Date(Date.now() - seconds * 1000);
      utimesSync(join(folder, `${digestOf(body).replace(':', '-')}.tgz`), at, at);
    };
    await cache.get(digestOf(a), () => Promise.resolve(a));
    await cache.get(digestOf(b), () => Promise.resolve(b));
    age(a, 20);
    age(b, 10);
    await cache.get(digestOf(c), () => Promise.resolve(c));
    await cache.get(digestOf(b), never);
    await assert.rejects(cache.get(digestOf(a), never), /fetched again/);
  });
});
