import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { addToken, readTokens, removeToken, TokenStore } from '../../api/tokens.ts';

const folder = mkdtempSync(join(tmpdir(), 'holdfast-tokens-'));
after(() => {
  rmSync(folder, { recursive: true, force: true });
});
let files = 0;
const newFile = (): string => join(folder, `tokens-${(files += 1)}.json`);

describe('tokens file', () => {
  it('keeps a hash, never the token, readable by its owner only', () => {
    const file = newFile();
    const token = addToken(file, 'ci', 'write');
    assert.match(token, /^hf_[\w-]{43}$/);
    assert.equal(readFileSync(file, 'utf8').includes(token), false);
    assert.equal(statSync(file).mode.toString(8).slice(-3), '600');
    assert.deepEqual(
      readTokens(file).map(({ name, role }) => ({ name, role })),
      [{ name: 'ci', role: 'write' }],
    );
  });

  it('refuses a name twice, a name that is none, and the removal of a name that is not there', () => {
    const file = newFile();
    addToken(file, 'ci', 'read');
    assert.throws(() => addToken(file, 'ci', 'write'), { message: /"ci" is taken: remove it first/ });
    assert.throws(() => addToken(file, 'C I', 'write'), { message: /^token name "C I": expected 1 to 63/ });
    assert.throws(() => {
      removeToken(file, 'other');
    }, /"other" is not in .*: it holds ci$/);
  });

  for (const content of ['', '{', '[]', '{"tokens":[{"name":"a","role":"admin","sha256":"","createdAt":""}]}']) {
    it(`refuses a file that holds ${JSON.stringify(content)}`, () => {
      const file = newFile();
      writeFileSync(file, content);
      assert.throws(() => readTokens(file), { message: /not a tokens file/ });
    });
  }
});

describe('TokenStore', () => {
  it('finds who holds a token, and follows the file', async () => {
    const file = newFile();
    const store = new TokenStore(file);
    assert.equal(await store.find('hf_x'), null);
    const reader = addToken(file, 'reader', 'read');
    const writer = addToken(file, 'writer', 'write');
    assert.deepEqual(await store.find(reader), { name: 'reader', role: 'read' });
    assert.deepEqual(await store.find(writer), { name: 'writer', role: 'write' });
    assert.equal(await store.find(`${writer} `), null);
    removeToken(file, 'writer');
    assert.equal(await store.find(writer), null);
    assert.deepEqual(await store.find(reader), { name: 'reader', role: 'read' });
    rmSync(file);
    assert.equal(await store.find(reader), null);
  });

  it('lets nobody in while the file is broken', async () => {
    const file = newFile();
    const token = addToken(file, 'a', 'read');
    const store = new TokenStore(file);
    assert.notEqual(await store.find(token), null);
    writeFileSync(file, '{');
    await assert.rejects(store.find(token), { message: /not a tokens file/ });
    await assert.rejects(store.find(token), { message: /not a tokens file/ });
  });
});

describe('npm run token', () => {
  const run = (args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> =>
    new Promise((resolve) => {
      execFile(process.execPath, ['api/token.ts', ...args], { env }, (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
      });
    });
  interface Ended {
    readonly code: number;
    readonly stdout: string;
    readonly stderr: string;
  }

  it('adds, lists and removes', async () => {
    const file = newFile();
    const added = await run(['add', 'ci', '--role', 'write', '--file', file]);
    assert.equal(added.code, 0, added.stderr);
    assert.deepEqual(await new TokenStore(file).find(added.stdout.trim()), { name: 'ci', role: 'write' });
    const listed = await run(['list'], { HOLDFAST_TOKENS_FILE: file });
    assert.match(listed.stdout, /^ci\twrite\t\d{4}-/);
    assert.equal((await run(['remove', 'ci', '--file', file])).code, 0);
    assert.deepEqual(readTokens(file), []);
  });

  for (const { args, code, stderr } of [
    { args: [], code: 2, stderr: /^usage: / },
    { args: ['add', '--file', 'x'], code: 2, stderr: /^usage: / },
    { args: ['list'], code: 1, stderr: /^HOLDFAST_TOKENS_FILE is not set: name the tokens file with --file\n$/ },
    {
      args: ['add', 'a', '--role', 'admin', '--file', 'x'],
      code: 1,
      stderr: /^--role is admin: expected read or write/,
    },
    { args: ['add', 'a', '--rolle', 'read'], code: 1, stderr: /'--rolle'/ },
  ]) {
    it(`answers ${JSON.stringify(args)} with exit code ${code}`, async () => {
      const ended = await run(args);
      assert.equal(ended.code, code);
      assert.match(ended.stderr, stderr);
      assert.equal(ended.stdout, '');
    });
  }
});
