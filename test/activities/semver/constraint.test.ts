import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { parseConstraint } from '../../../activities/semver/constraint.ts';
import { compareForChoice, compareVersions, parseVersion, type Version } from '../../../activities/semver/version.ts';
import { temporaryFolder, toolsFolder } from '../../support/harness.ts';

const VERSIONS = [
  ...['0.0.0', '0.0.1', '0.0.9', '0.1.0', '0.2.3', '0.9.9', '1.0.0', '1.2.0', '1.2.3', '1.2.9', '1.3.0', '1.11.1'],
  ...['2.0.0', '2.3.4', '3.0.0', '11.0.0', '11.1.0', '11.1.1', '11.2.0', '12.0.0', '20260102030405.0.0'],
  ...['0.0.0-alpha', '0.0.0-0', '0.0.1-rc.1', '1.0.0-rc.1', '1.2.3-alpha', '1.2.3-beta.2', '1.2.3-beta.11', '1.2.3-rc'],
  ...['1.3.0-alpha', '2.0.0-rc.1', '2.0.0-0', '11.1.0-alpha', '11.1.1-rc.1', '1.2.3+build.1', '1.2.4-rc.1+build'],
];

/** Every operator with numbers written in full, in part and not at all, with and without a pre-release. */
const OPERANDS = ['*', '0', '0.0', '0.0.0', '1', '1.2', '1.2.3', '1.2.x', '1.x.x', 'v1.2.3', '11.1', '0.2', '0.0.1'];
const WITH_PRE = ['1.2.3-beta.2', '1.2-0', '1.2.x-rc', '*-0', '0.0.0-0', '11.1.0-alpha'];
const OPERATORS = ['', '=', '!=', '>', '<', '>=', '=>', '<=', '=<', '~', '~>', '^'];
const CONSTRAINTS = [
  ...OPERATORS.flatMap((operator) => [...OPERANDS, ...WITH_PRE].map((operand) => operator + operand)),
  ...['>= 1.2.3, < 2.0.0', '>=1.2.3,<2.0.0', '>=1.2.3 <2.0.0', '1.2 - 2.3', '1.2.3 - 2.3.4', '1.2.3-2.3.4'],
  ...['^1.2 || ^2.0-0', '1.0.0 || >=11.1', '> 1.2.3-alpha <2.0.0', '!=1.2.3, >1', '>=1.2 , !=1.3.x', '1.*.3', 'X'],
  ...['>1.2.3-beta.2 || 0.x', '^0.0.1-rc.1', '~2.0.0-0', '>=1.0.0-0 <1.2.0', '1.2.3+build.1', '>=v1.2.3 , <=v2'],
];
const REFUSED = [
  'latest',
  '',
  '||',
  '^1 ||',
  '|| 1',
  '1.2.3.4',
  '>>1',
  '1,',
  ', 1',
  '1.2.3-01',
  'a.b',
  '> ',
  '18446744073709551616',
];

const parsed = (text: string): Version => {
  const version = parseVersion(text);
  assert.ok(version !== null, text);
  return version;
};

describe('a constraint, beside what the real helm answers', () => {
  let helm: (constraint: string) => readonly string[];

  before(async () => {
    const bin = await toolsFolder();
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'cache'));
    const entries = VERSIONS.map((version) => ({ name: 'app', version, urls: ['app.tgz'] }));
    const index = { apiVersion: 'v1', generated: '2026-01-01T00:00:00Z', entries: { app: entries } };
    writeFileSync(join(folder, 'cache', 'r-index.yaml'), JSON.stringify(index));
    const repositories = { apiVersion: '', repositories: [{ name: 'r', url: 'http://127.0.0.1:1' }] };
    writeFileSync(join(folder, 'repositories.yaml'), JSON.stringify(repositories));
    const env = {
      PATH: process.env['PATH'] ?? '',
      HOME: folder,
      HELM_REPOSITORY_CONFIG: join(folder, 'repositories.yaml'),
      HELM_REPOSITORY_CACHE: join(folder, 'cache'),
    };
    helm = (constraint) => {
      const args = ['search', 'repo', 'r/app', '--versions', '--output=json', `--version=${constraint}`];
      const found = execFileSync(join(bin, 'helm'), args, { env, encoding: 'utf8', stdio: 'pipe' });
      return (JSON.parse(found) as { version: string }[]).map(({ version }) => version); // as helm writes it
    };
  });

  for (let i = 0; i < CONSTRAINTS.length; i += 20) {
    const some = CONSTRAINTS.slice(i, i + 20);
    it(`admits the same versions: ${some[0] ?? ''} to ${some.at(-1) ?? ''}`, () => {
      for (const text of some) {
        const constraint = parseConstraint(text);
        assert.ok(constraint !== null, text);
        const admitted = VERSIONS.filter((version) => constraint.matches(parsed(version)));
        assert.deepEqual(admitted.toSorted(), helm(text).toSorted(), `constraint ${JSON.stringify(text)}`);
      }
    });
  }

  it('is refused where helm refuses it', () => {
    for (const text of REFUSED) {
      assert.equal(parseConstraint(text), null, text);
      // Helm reads an empty one as another flag that is not set.
      if (text !== '') assert.throws(() => helm(text), /constraint|version/i, text);
    }
  });
});

describe('a constraint', () => {
  it('of ten thousand characters is refused', () => {
    assert.equal(parseConstraint(`>=1.0.0${' '.repeat(10_000)}`), null);
    assert.equal(parseVersion(`1.0.0-${'a'.repeat(10_000)}`), null);
  });
});

describe('versions in order', () => {
  it('are those of https://semver.org', () => {
    const ordered = ['1.0.0-alpha', '1.0.0-alpha.1', '1.0.0-alpha.beta', '1.0.0-beta', '1.0.0-beta.2', '1.0.0-beta.11'];
    const all = [...ordered, '1.0.0-rc.1', '1.0.0', '2.0.0', '2.1.0', '2.1.1', '18446744073709551615.0.0'];
    assert.deepEqual(
      all.toReversed().toSorted((a, b) => compareVersions(parsed(a), parsed(b))),
      all,
    );
  });

  it('are told apart by build metadata only when one has to be chosen', () => {
    assert.equal(compareVersions(parsed('1.0.0+a'), parsed('1.0.0+b')), 0);
    assert.ok(compareForChoice(parsed('1.0.0+up1.10.0'), parsed('1.0.0+up1.9.0')) > 0);
    assert.ok(compareForChoice(parsed('1.0.0+up1'), parsed('1.0.0')) > 0);
  });

  it('make a total order: any three of them', () => {
    const sign = (a: string, b: string): number => Math.sign(compareVersions(parsed(a), parsed(b)));
    for (const a of VERSIONS) {
      for (const b of VERSIONS) {
        assert.equal(sign(a, b) + sign(b, a), 0, `${a} and ${b}`);
        for (const c of VERSIONS) if (sign(a, b) < 0 && sign(b, c) < 0) assert.equal(sign(a, c), -1, `${a} ${b} ${c}`);
      }
    }
  });
});
