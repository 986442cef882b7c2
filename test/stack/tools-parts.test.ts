import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { kubernetesModule } from '../../stack/tools/build.ts';
import { CATALOG, settingOf, TOOL_NAMES } from '../../stack/tools/catalog.ts';
import { findChecksum } from '../../stack/tools/download.ts';
import { compare, isSuitable } from '../../stack/tools/find.ts';
import { cacheDirOf } from '../../stack/tools/options.ts';
import { createReport } from '../../stack/tools/report.ts';

const SUM = 'a'.repeat(64);
const OTHER = 'b'.repeat(64);

describe('findChecksum', () => {
  const table = [
    { name: 'a bare sum', text: SUM, is: SUM },
    { name: 'a sum in capitals', text: SUM.toUpperCase(), is: SUM },
    { name: 'sum and name', text: `${SUM}  helm.tar.gz\n`, is: SUM },
    { name: 'sum and name of a binary file', text: `${SUM} *helm.tar.gz\n`, is: SUM },
    { name: 'one line of many', text: `${OTHER}  other.tar.gz\n${SUM}  ./helm.tar.gz\n`, is: SUM },
    { name: 'only other files', text: `${OTHER}  other.tar.gz\n`, is: null },
    { name: 'a page', text: '<html>not found</html>', is: null },
    {
      name: "GitHub's description of a release",
      text: JSON.stringify({ assets: [{ name: 'x' }, { name: 'helm.tar.gz', digest: `sha256:${SUM}` }] }),
      is: SUM,
    },
    {
      name: 'a release without digests',
      text: JSON.stringify({ assets: [{ name: 'helm.tar.gz', digest: null }] }),
      is: null,
    },
    { name: 'a refusal in JSON', text: '{"message":"rate limit exceeded"}', is: null },
    { name: 'broken JSON', text: '{', is: null },
  ];
  for (const { name, text, is } of table) {
    it(`reads ${name}`, () => {
      assert.equal(findChecksum(text, 'helm.tar.gz'), is);
    });
  }
});

describe('versions', () => {
  it('are ordered by number, not by text', () => {
    const sorted = ['1.10.0', '1.9.9', '1.9.10', '2.0.0', '1.21'].sort(compare);
    assert.deepEqual(sorted, ['1.9.9', '1.9.10', '1.10.0', '1.21', '2.0.0']);
  });

  it('serve within the bounds of the catalog only', () => {
    const answers = ['4.2.9', '4.3.0', '4.10.2', '5.0.0', null].map((version) => isSuitable('helm', version));
    assert.deepEqual(answers, [false, true, true, false, false]);
  });

  it('of the catalog are within their own bounds', () => {
    for (const name of TOOL_NAMES) assert.ok(isSuitable(name, CATALOG[name].version), name);
  });
});

describe('settingOf', () => {
  it('makes a variable of a name with dashes', () => {
    assert.equal(settingOf('kube-apiserver'), 'HOLDFAST_TOOL_KUBE_APISERVER');
  });
});

describe('kubernetesModule', () => {
  it('replaces each staging module by its published version', () => {
    const upstream = [
      'module k8s.io/kubernetes',
      'go 1.26.0',
      'replace (',
      '\tk8s.io/api => ./staging/src/k8s.io/api',
      '\tk8s.io/kube-proxy => ./staging/src/k8s.io/kube-proxy',
      '\tgithub.com/x/y => github.com/x/y v1.0.0',
      ')',
    ].join('\n');
    assert.deepEqual(kubernetesModule(upstream, { module: 'k8s.io/kubernetes', version: 'v1.37.2' }).split('\n'), [
      'module holdfast.dev/tools',
      '',
      'go 1.26.0',
      '',
      'require k8s.io/kubernetes v1.37.2',
      '',
      'replace k8s.io/api => k8s.io/api v0.37.2',
      'replace k8s.io/kube-proxy => k8s.io/kube-proxy v0.37.2',
      '',
    ]);
  });
});

describe('createReport', () => {
  function written(isTTY: boolean): string[] {
    const out: string[] = [];
    const report = createReport({ isTTY, columns: 30, write: (text: string) => out.push(text) > 0 });
    report.line('first');
    report.status('working: 1 s, and more than fits on a line');
    report.line('done');
    return out;
  }

  it('keeps one changing line on a terminal', () => {
    const clear = '\r\u001b[2K';
    assert.deepEqual(written(true), ['first\n', 'working: 1 s, and more than f', clear, 'done\n']);
  });

  it('does not repeat the status at once elsewhere', () => {
    assert.deepEqual(written(false), ['first\n', 'done\n']);
  });
});

describe('the cache folder', () => {
  const table = [
    { env: { HOLDFAST_CACHE_DIR: '/a', XDG_CACHE_HOME: '/b', HOME: '/c' }, is: '/a' },
    { env: { XDG_CACHE_HOME: '/b', HOME: '/c' }, is: '/b/holdfast' },
    { env: { HOME: '/c' }, is: '/c/.cache/holdfast' },
  ];
  for (const { env, is } of table) {
    it(`is ${is} with ${Object.keys(env).join(', ')}`, () => {
      assert.equal(cacheDirOf(env), is);
    });
  }
});
