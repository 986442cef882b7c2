import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseOciName, plainName, speaksPlainHttp, tagOf } from '../../../activities/oci/name.ts';

describe('parseOciName', () => {
  const good: readonly (readonly [string, string])[] = [
    ['oci://ghcr.io/myorg/charts/nginx', 'ghcr.io/myorg/charts/nginx'],
    ['oci://myregistry.azurecr.io/helm/', 'myregistry.azurecr.io/helm'],
    ['oci://123456789012.dkr.ecr.us-east-1.amazonaws.com/helm', '123456789012.dkr.ecr.us-east-1.amazonaws.com/helm'],
    ['oci://Harbor.Example.com/helm-charts/webapp', 'harbor.example.com/helm-charts/webapp'],
    ['oci://127.0.0.1:5000/charts/app', '127.0.0.1:5000/charts/app'],
    ['oci://[::1]:5000/charts/app', '[::1]:5000/charts/app'],
    ['oci://localhost', 'localhost'],
    ['oci://index.docker.io/library/x', 'docker.io/library/x'],
    ['oci://registry-1.docker.io/library/x', 'docker.io/library/x'],
    [' oci://host/a__b/c--d ', 'host/a__b/c--d'],
  ];
  for (const [url, name] of good)
    it(url, () => {
      assert.equal(plainName(parseOciName(url)), name);
    });

  const bad: readonly (readonly [string, RegExp])[] = [
    ['https://charts.example.com', /does not begin with oci:\/\//],
    ['oci://', /does not begin with oci:\/\//],
    ['oci://user:canary@host/app', /^"oci:\/\/…" is no OCI reference: it holds credentials; put them into a Secret$/],
    ['oci://host/app:1.0.0', /the version belongs into spec\.chart\.version/],
    ['oci://host/app@sha256:00', /the version belongs into spec\.chart\.version/],
    ['oci://host/App', /lower case/],
    ['oci://host/a//b', /no repository path/],
    ['oci://host/../b', /no repository path/],
    ['oci://--password/x', /no host name/],
    ['oci://host/-x', /no repository path/],
    ['oci://ho st/x', /no host name/],
    ['oci://host/x\n--debug', /no repository path/],
  ];
  for (const [url, message] of bad) {
    it(`refuses ${JSON.stringify(url)}`, () => {
      assert.throws(() => parseOciName(url), { code: 'SpecInvalid', message });
    });
  }
});

describe('tagOf', () => {
  it('writes + as _', () => {
    assert.equal(tagOf('1.0.0-rc.1+b1'), '1.0.0-rc.1_b1');
  });
  for (const version of ['', '-1', '1 0', '1/0', `1${'0'.repeat(128)}`]) {
    it(`refuses ${JSON.stringify(version)}`, () => {
      assert.throws(() => tagOf(version), { code: 'SpecInvalid' });
    });
  }
});

describe('speaksPlainHttp', () => {
  const rows: readonly (readonly [string, boolean])[] = [
    ['localhost', true],
    ['localhost:5000', true],
    ['127.0.0.1:5000', true],
    ['[::1]:5000', true],
    ['registry.lan:5000', true],
    ['registry.lan', false],
    ['127.example.com', false],
    ['localhost.example.com', false],
    ['ghcr.io', false],
  ];
  for (const [host, expected] of rows)
    it(host, () => {
      assert.equal(speaksPlainHttp(host, ['registry.lan:5000']), expected);
    });
  it('what a HelmRepository says comes first', () => {
    assert.equal(speaksPlainHttp('localhost:5000', [], false), false);
    assert.equal(speaksPlainHttp('ghcr.io', [], true), true);
  });
});
