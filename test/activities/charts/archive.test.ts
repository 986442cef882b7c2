import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { Header } from 'tar';
import { readChartArchive } from '../../../activities/charts/archive.ts';

type Entry = {
  readonly path: string;
  readonly body?: string | Buffer;
  readonly type?: 'File' | 'Directory' | 'SymbolicLink' | 'FIFO';
};

function tgz(...entries: readonly Entry[]): Buffer {
  const blocks = entries.flatMap(({ path, body = '', type = 'File' }) => {
    const content = Buffer.from(body);
    const header = new Header({
      path,
      type,
      size: type === 'File' ? content.length : 0,
      mode: 0o644,
      ...(type === 'SymbolicLink' ? { linkpath: '/etc/passwd' } : {}),
    });
    header.encode();
    const padding = Buffer.alloc((512 - (content.length % 512)) % 512);
    return [header.block ?? Buffer.alloc(0), ...(type === 'File' ? [content, padding] : [])];
  });
  return gzipSync(Buffer.concat([...blocks, Buffer.alloc(1024)]));
}

const CHART = { path: 'app/Chart.yaml', body: 'apiVersion: v2\nname: app\nversion: 1.2.0\nappVersion: 1.16\n' };
const asked = { name: 'app', version: '1.2.0' };

describe('readChartArchive', () => {
  it('reads what the chart says about itself', async () => {
    assert.deepEqual(await readChartArchive(tgz(CHART, { path: 'app/templates/x.yaml', body: 'a: b' }), asked), {
      name: 'app',
      version: '1.2.0',
      appVersion: '1.16',
      mayHavePostHooks: false,
      values: '',
    });
  });

  it('reads its default values, and not those of a subchart', async () => {
    const subchart = { path: 'app/charts/web/values.yaml', body: 'b: 2\n' };
    const { values } = await readChartArchive(tgz(CHART, subchart, { path: 'app/values.yaml', body: 'a: 1\n' }), asked);
    assert.equal(values, 'a: 1\n');
  });

  const versions: readonly (readonly [string, string, boolean])[] = [
    ['1.2.0', '1.2.0', true],
    ['1.2.0+up1.0', '1.2.0', true],
    ['v1.2.0', '1.2.0', true],
    ['1.2.0+up1.0', '1.2.0+up1.0', true],
    ['1.2.0', '1.2.0+up1.0', false],
    ['1.2.1', '1.2.0', false],
    ['1.2.0-rc.1', '1.2.0', false],
  ];
  for (const [found, wanted, fits] of versions) {
    it(`${found} ${fits ? 'is' : 'is not'} ${wanted}`, async () => {
      const archive = tgz({ path: 'app/Chart.yaml', body: `name: app\nversion: "${found}"\n` });
      const read = readChartArchive(archive, { name: 'app', version: wanted });
      if (fits) assert.equal((await read).version, found);
      else await assert.rejects(read, { code: 'ChartInvalid', message: /publish it under its own version/ });
    });
  }

  const hooks: readonly (readonly [string, readonly Entry[], boolean])[] = [
    ['a hook after the install', [{ path: 'app/templates/j.yaml', body: '"helm.sh/hook": post-install' }], true],
    [
      'a hook of a subchart',
      [{ path: 'app/charts/sub/templates/j.yaml', body: 'helm.sh/hook: pre-install,post-upgrade' }],
      true,
    ],
    ['a packed subchart', [{ path: 'app/charts/sub-1.0.0.tgz', body: 'x' }], true],
    ['a test hook', [{ path: 'app/templates/tests/t.yaml', body: '"helm.sh/hook": test' }], false],
    ['the word in the notes of another file', [{ path: 'app/README.md', body: 'helm.sh/hook: post-install' }], false],
  ];
  for (const [name, entries, expected] of hooks) {
    it(`${expected ? 'sees' : 'is not misled by'} ${name}`, async () => {
      assert.equal((await readChartArchive(tgz(CHART, ...entries), asked)).mayHavePostHooks, expected);
    });
  }

  const bad: readonly (readonly [string, Buffer, RegExp])[] = [
    ['no gzip', Buffer.from('plain'), /not a gzip file/],
    ['no tar', gzipSync(Buffer.alloc(2048, 'x')), /not a tar file/],
    ['a bomb', gzipSync(Buffer.alloc(101 * 1024 * 1024)), /more than 104857600 bytes when unpacked/],
    [
      'a large file',
      tgz(CHART, { path: 'app/big', body: Buffer.alloc(5 * 1024 * 1024 + 1) }),
      /more than the 5242880 that Helm allows/,
    ],
    [
      'another chart',
      tgz({ ...CHART, path: 'app/Chart.yaml', body: 'name: other\nversion: 1.2.0\n' }),
      /holds a chart named "other"/,
    ],
    ['no Chart.yaml', tgz({ path: 'app/values.yaml' }), /holds 0 files Chart\.yaml/],
    ['two of them', tgz(CHART, CHART), /holds 2 files Chart\.yaml/],
    ['an unreadable one', tgz({ path: 'app/Chart.yaml', body: '{' }), /no readable name and version/],
    ['two folders', tgz(CHART, { path: 'other/x' }), /holds 2 folders instead of one/],
    ['a file outside', tgz(CHART, { path: 'x' }), /holds "x" beside its chart folder/],
    ['a path upwards', tgz(CHART, { path: 'app/../../x' }), /a path that leads out of it/],
    ['an absolute path', tgz(CHART, { path: '/etc/x' }), /a path that leads out of it/],
    ['a drive letter', tgz(CHART, { path: 'c:/app/x' }), /a path that leads out of it/],
    ['a backslash', tgz(CHART, { path: 'app/..\\x' }), /a path that leads out of it/],
    ['a link', tgz(CHART, { path: 'app/ln', type: 'SymbolicLink' }), /neither a file nor a folder/],
    ['a pipe', tgz(CHART, { path: 'app/p', type: 'FIFO' }), /neither a file nor a folder/],
  ];
  for (const [name, archive, message] of bad) {
    it(`refuses ${name}`, () => assert.rejects(readChartArchive(archive, asked), { code: 'ChartInvalid', message }));
  }
});
