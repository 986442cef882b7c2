import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readDockerConfig } from '../../../activities/kube/docker-config.ts';

const auth = (login: string): { auth: string } => ({ auth: Buffer.from(login).toString('base64') });
const read = (auths: object, url: string): { username: string; password: string } =>
  readDockerConfig(JSON.stringify({ auths }), { url, secret: 'apps/pull' });

describe('a Secret of docker login', () => {
  const KEY = '{\n  "type": "service_account"\n}\n';
  const rows: { name: string; auths: object; url: string; login: [string, string] }[] = [
    {
      name: 'as kubectl writes it',
      auths: { 'ghcr.io': { username: 'me', password: 'pa:ss', ...auth('me:pa:ss') } },
      url: 'oci://ghcr.io/me/charts',
      login: ['me', 'pa:ss'],
    },
    {
      name: 'as docker writes it, a JSON key to the byte',
      auths: { 'europe-docker.pkg.dev': auth(`_json_key:${KEY}`) },
      url: 'oci://europe-docker.pkg.dev/p/charts',
      login: ['_json_key', KEY],
    },
    {
      name: 'for Docker Hub, under its old name',
      auths: { 'https://index.docker.io/v1/': auth('me:token') },
      url: 'oci://registry-1.docker.io/me',
      login: ['me', 'token'],
    },
    {
      name: 'of several, by the longest path',
      auths: {
        'harbor.example.com': auth('all:1'),
        'harbor.example.com/team': auth('robot$team+ci:2'),
        'harbor.example.com/tea': auth('other:3'),
        'harbor.example.com:8443/team/charts': auth('port:4'),
      },
      url: 'oci://harbor.example.com/team/charts',
      login: ['robot$team+ci', '2'],
    },
  ];
  for (const { name, auths, url, login } of rows) {
    it(`is read ${name}`, () => {
      const { username, password } = read(auths, url);
      assert.deepEqual([username, password], login);
    });
  }

  const wrong: { name: string; text: string; message: RegExp }[] = [
    {
      name: 'that is no JSON',
      text: 'canary',
      message: /^Secret apps\/pull cannot be used: its key \.dockerconfigjson is/,
    },
    { name: 'without auths', text: '{"canary":1}', message: /is no configuration of Docker with auths in it$/ },
    {
      name: 'for other registries',
      text: JSON.stringify({ auths: { 'b.example.com': auth('canary:canary'), 'a.example.com': {} } }),
      message: /it has no entry for oci:\/\/r\.example\.com\/c; its entries are: a\.example\.com, b\.example\.com$/,
    },
    {
      name: 'with a token that is no password',
      text: JSON.stringify({ auths: { 'r.example.com': { identitytoken: 'canary' } } }),
      message: /its entry r\.example\.com has no user name and password$/,
    },
  ];
  for (const { name, text, message } of wrong) {
    it(`${name} is refused without its content`, () => {
      const ask = (): unknown => readDockerConfig(text, { url: 'oci://r.example.com/c', secret: 'apps/pull' });
      assert.throws(ask, (error: Error) => message.test(error.message) && !error.message.includes('canary'));
      assert.throws(ask, { code: 'SecretInvalid' });
    });
  }
});
