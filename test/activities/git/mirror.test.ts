import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createGit } from '../../../activities/git/index.ts';
import type { Checkout, Mirrors } from '../../../activities/git/mirror.ts';
import { startTestGit, type TestGit, type TestRepository } from '../../support/git-repository.ts';
import { temporaryFolder } from '../../support/harness.ts';

const PASSWORD = 'canary-password-5up3r';
const BASIC = `Basic ${Buffer.from(`reader:${PASSWORD}`).toString('base64')}`;

let folder: string;
let server: TestGit;
let mirrors: Mirrors;

before(async () => {
  folder = temporaryFolder();
  server = await startTestGit(folder, (name) => ({
    read: name === 'private' ? 'login' : 'anyone',
    logins: [{ user: 'reader', password: PASSWORD }],
  }));
  mirrors = createGit({ git: '/usr/bin/git', tmp: join(folder, 'tmp'), folder: join(folder, 'git') });
});
after(() => server.close());

function checkout(url: string, overrides: Partial<Checkout> = {}): Checkout {
  return {
    owner: url,
    remote: { url, authorization: null },
    ref: { branch: null, tag: null, commit: null },
    signal: AbortSignal.timeout(30_000),
    ...overrides,
  };
}

describe('resolving and reading', () => {
  let repository: TestRepository;
  let first: string;
  let second: string;

  before(async () => {
    repository = await server.create('public');
    first = await repository.commit({ 'a.yaml': 'a: 1\n', 'deep/b.yaml': 'b: 1\n' });
    await repository.git('tag', '-a', 'v1.0.0', '-m', 'one');
    await repository.git('push', '-q', 'origin', 'v1.0.0');
    second = await repository.commit({ 'a.yaml': 'a: 2\n' });
  });

  it('takes the default branch when no ref is named', async () => {
    const snapshot = await mirrors.open(checkout(repository.url));
    assert.equal(snapshot.revision, `main@${second}`);
    assert.deepEqual(
      (await snapshot.list()).map(({ path }) => path),
      ['a.yaml', 'deep/b.yaml'],
    );
  });

  it('takes a branch, the commit behind an annotated tag, and a commit that is no tip', async () => {
    const refs = [
      [{ branch: 'main', tag: null, commit: null }, `main@${second}`, 'a: 2\n'],
      [{ branch: null, tag: 'v1.0.0', commit: null }, `v1.0.0@${first}`, 'a: 1\n'],
      [{ branch: null, tag: null, commit: first }, first, 'a: 1\n'],
    ] as const;
    for (const [ref, revision, content] of refs) {
      const snapshot = await mirrors.open(checkout(repository.url, { ref }));
      assert.equal(snapshot.revision, revision);
      const entry = (await snapshot.list()).find(({ path }) => path === 'a.yaml');
      const [blob] = await snapshot.read([entry?.oid ?? '']);
      assert.equal(blob?.toString(), content);
    }
  });

  it('follows pushes, one pack each, and fetches nothing when nothing changed', async () => {
    const own = await server.create('follow');
    const packs = (): number => {
      const owner = readdirSync(join(folder, 'git')).map((name) => join(folder, 'git', name));
      return owner
        .flatMap((dir) => readdirSync(dir).map((name) => join(dir, name)))
        .filter((dir) => readFileSync(join(dir, 'refs/holdfast/head'), 'utf8').trim() === head)
        .flatMap((dir) => readdirSync(join(dir, 'objects/pack')).filter((name) => name.endsWith('.pack'))).length;
    };
    let head = await own.commit({ 'a.yaml': 'a: 1\n' });
    await mirrors.open(checkout(own.url));
    assert.equal(packs(), 1);
    await mirrors.open(checkout(own.url));
    assert.equal(packs(), 1);
    head = await own.commit({ 'a.yaml': 'a: 2\n' });
    const snapshot = await mirrors.open(checkout(own.url));
    assert.equal(snapshot.commit, head);
    assert.equal(packs(), 2);
  });

  it('survives a force push', async () => {
    const own = await server.create('forced');
    await own.commit({ 'a.yaml': 'a: 1\n' });
    await mirrors.open(checkout(own.url));
    await own.git('commit', '-q', '--amend', '-m', 'Another');
    await own.git('push', '-q', '--force', 'origin', 'HEAD:refs/heads/main');
    assert.equal((await mirrors.open(checkout(own.url))).commit, await own.git('rev-parse', 'HEAD'));
  });

  it('leaves out a file over the limit and reads the others', async () => {
    const own = await server.create('large');
    await own.commit({ 'large.yaml': `a: ${'x'.repeat(6 * 1024 * 1024)}\n`, 'small.yaml': 'b: 1\n' });
    const snapshot = await mirrors.open(checkout(own.url));
    const contents = await snapshot.read((await snapshot.list()).map(({ oid }) => oid));
    assert.deepEqual(
      contents.map((content) => content?.toString() ?? null),
      [null, 'b: 1\n'],
    );
  });

  it('leaves out a file over the limit when the server knows the filter too', async () => {
    const own = await server.create('filtered');
    await own.commit({ 'large.yaml': `a: ${'x'.repeat(6 * 1024 * 1024)}\n`, 'small.yaml': 'b: 1\n' });
    const bare = await own.git('remote', 'get-url', 'origin');
    await own.git('--git-dir', bare, 'config', 'uploadpack.allowFilter', 'true');
    const snapshot = await mirrors.open(checkout(own.url));
    const contents = await snapshot.read((await snapshot.list()).map(({ oid }) => oid));
    assert.deepEqual(
      contents.map((content) => content?.toString() ?? null),
      [null, 'b: 1\n'],
    );
    await own.commit({ 'small.yaml': 'b: 2\n' });
    assert.equal((await (await mirrors.open(checkout(own.url))).list()).length, 2);
  });

  it('takes no tree with an entry named ..', async () => {
    const own = await server.create('escaping');
    const head = await own.commit({ 'a.yaml': 'a: 1\n' });
    const oid = await own.git('rev-parse', `${head}:a.yaml`);
    await own.pushTree([{ mode: '100644', name: '..', oid }]);
    await assert.rejects(mirrors.open(checkout(own.url)), { code: 'GitContentInvalid' });
  });

  it('reads a private repository with its credentials', async () => {
    const own = await server.create('private');
    const head = await own.commit({ 'a.yaml': 'a: 1\n' });
    const remote = { url: own.url, authorization: BASIC };
    assert.equal((await mirrors.open(checkout(own.url, { remote }))).commit, head);
    for (const authorization of [null, `Basic ${Buffer.from('reader:wrong').toString('base64')}`]) {
      await assert.rejects(mirrors.open(checkout(own.url, { remote: { url: own.url, authorization } })), {
        code: 'GitAuthRejected',
      });
    }
  });

  const missing = [
    [{ branch: 'nope', tag: null, commit: null }, 'GitRefNotFound'],
    [{ branch: null, tag: 'v9', commit: null }, 'GitRefNotFound'],
    [{ branch: null, tag: null, commit: 'a'.repeat(40) }, 'GitRefNotFound'],
    [{ branch: null, tag: null, commit: 'abc' }, 'SpecInvalid'],
    [{ branch: '--upload-pack=touch /tmp/x', tag: null, commit: null }, 'SpecInvalid'],
    [{ branch: '$(id)', tag: null, commit: null }, 'GitRefNotFound'],
    [{ branch: '*', tag: null, commit: null }, 'SpecInvalid'],
    [{ branch: null, tag: '../x', commit: null }, 'SpecInvalid'],
  ] as const;
  for (const [ref, code] of missing) {
    it(`answers ${code} for ${ref.branch ?? ref.tag ?? ref.commit}`, async () => {
      await assert.rejects(mirrors.open(checkout(repository.url, { ref })), { code });
    });
  }
});

describe('a server that misbehaves', () => {
  const servers: Server[] = [];
  after(() => {
    for (const one of servers) one.closeAllConnections();
    for (const one of servers) one.close();
  });
  async function serve(listener: RequestListener): Promise<string> {
    const one = createServer(listener);
    servers.push(one);
    await new Promise<void>((resolve) => one.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(one.address() as AddressInfo).port}`;
  }

  it('is not followed to another place, and the credential goes nowhere else', async () => {
    const seen: string[] = [];
    const target = await serve((request, response) => {
      seen.push(JSON.stringify(request.headers));
      response.writeHead(404).end();
    });
    for (const status of [301, 302, 303, 307, 308]) {
      const url = `${await serve((request, response) => {
        response.writeHead(status, { location: `${target}${request.url ?? ''}` }).end();
      })}/a.git`;
      const remote = { url, authorization: BASIC };
      await assert.rejects(mirrors.open(checkout(url, { remote })), { code: 'GitRedirected' });
    }
    assert.deepEqual(seen, []);
  });

  it('that hangs is left at once when cancelled, and no git lives on', async () => {
    let arrived = (): void => undefined;
    const asked = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    const url = `${await serve(() => {
      arrived();
    })}/hangs-${process.pid}.git`;
    const cancel = new AbortController();
    const pass = mirrors.open(checkout(url, { signal: cancel.signal }));
    await asked;
    assert.notDeepEqual(processesNaming(url), [], 'the planted process is found');
    cancel.abort(new Error('cancelled by the test'));
    await assert.rejects(pass, { message: 'cancelled by the test' });
    while (processesNaming(url).length > 0) await sleep(10);
  });

  it('that hangs does not hold a git whose worker was killed', async () => {
    let arrived = (): void => undefined;
    const asked = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    const url = `${await serve(() => {
      arrived();
    })}/killed-${process.pid}.git`;
    const adapter = new URL('../../../activities/git/index.ts', import.meta.url).href;
    const program = `
      const { createGit } = await import(${JSON.stringify(adapter)});
      const [url, folder] = process.argv.slice(1);
      await createGit({ git: '/usr/bin/git', tmp: folder, folder }).open({
        owner: 'x', remote: { url, authorization: null }, ref: { branch: null, tag: null, commit: null },
        signal: new AbortController().signal,
      });`;
    const worker = spawn(process.execPath, ['--input-type=module', '-e', program, url, join(folder, 'killed')]);
    await asked;
    assert.ok(processesNaming(url).length > 1, 'the planted processes are found');
    worker.kill('SIGKILL');
    while (processesNaming(url).length > 0) await sleep(10);
  });

  it('gets the credential in a header, while no argument of any process shows it', async () => {
    const seen: { authorization: string | undefined; processes: string }[] = [];
    const url = `${await serve((request, response) => {
      seen.push({ authorization: request.headers.authorization, processes: commandLines().join('\n') });
      response.writeHead(500).end();
    })}/canary.git`;
    await assert.rejects(mirrors.open(checkout(url, { remote: { url, authorization: BASIC } })), (error: Error) => {
      assert.match(error.message, /answers with error 500/);
      assert.doesNotMatch(error.message, /canary-password|cmVhZGVy/);
      return true;
    });
    assert.equal(seen[0]?.authorization, BASIC);
    assert.match(seen[0].processes, /canary\.git/);
    assert.doesNotMatch(seen[0].processes, /canary-password|cmVhZGVy/);
  });

  function commandLines(): readonly string[] {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map((pid) => {
        try {
          return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
        } catch {
          // it ended meanwhile
          return '';
        }
      });
  }
  const processesNaming = (text: string): readonly string[] => commandLines().filter((line) => line.includes(text));
});
