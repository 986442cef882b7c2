import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { matchRepository } from '../../activities/match-repository.ts';

const CHART = 'oci://registry.example.com/team/charts/app';

/** Names read `namespace/name=url`. */
const ROWS: {
  name: string;
  chart?: string;
  repositories: string[];
  crossNamespace?: 'denied';
  found: string[];
}[] = [
  { name: 'no HelmRepository: anonymous', repositories: [], found: [] },
  { name: 'the registry as a whole', repositories: ['own/a=oci://registry.example.com'], found: ['own/a'] },
  { name: 'the chart itself', repositories: [`own/a=${CHART}`], found: ['own/a'] },
  {
    name: 'a slash at the end changes nothing',
    repositories: ['own/a=oci://registry.example.com/team/'],
    found: ['own/a'],
  },
  {
    name: 'the longest prefix wins',
    repositories: [
      'own/a=oci://registry.example.com/team',
      'own/b=oci://registry.example.com/team/charts',
      'own/c=oci://registry.example.com',
    ],
    found: ['own/b'],
  },
  { name: 'segments count, not characters', repositories: ['own/a=oci://registry.example.com/team/cha'], found: [] },
  { name: 'paths are case sensitive', repositories: ['own/a=oci://registry.example.com/Team'], found: [] },
  { name: 'hosts are not', repositories: ['own/a=oci://Registry.Example.COM/team'], found: ['own/a'] },
  { name: 'the scheme does not matter', repositories: ['own/a=https://registry.example.com/team'], found: ['own/a'] },
  { name: 'another port is another registry', repositories: ['own/a=oci://registry.example.com:5000/team'], found: [] },
  {
    name: 'the port must be equal',
    chart: 'oci://127.0.0.1:5000/charts/app',
    repositories: ['own/a=oci://127.0.0.1:5000/charts', 'own/b=oci://127.0.0.1:5001/charts'],
    found: ['own/a'],
  },
  {
    name: 'the names of Docker Hub are one',
    chart: 'oci://docker.io/bitnamicharts/nginx',
    repositories: ['own/a=oci://registry-1.docker.io/bitnamicharts'],
    found: ['own/a'],
  },
  { name: 'a longer repository than the chart is no prefix', repositories: [`own/a=${CHART}/more`], found: [] },
  {
    name: 'the own namespace wins over a longer prefix elsewhere',
    repositories: ['own/a=oci://registry.example.com', 'other/b=oci://registry.example.com/team/charts'],
    found: ['own/a'],
  },
  {
    name: 'another namespace serves when the own has none',
    repositories: ['other/a=oci://registry.example.com/team'],
    found: ['other/a'],
  },
  {
    name: 'other namespaces are denied by setting',
    repositories: ['other/a=oci://registry.example.com/team'],
    crossNamespace: 'denied',
    found: [],
  },
  {
    name: 'two equal ones elsewhere are ambiguous',
    repositories: ['zeta/a=oci://registry.example.com/team', 'other/b=https://registry.example.com/team/'],
    found: ['other/b', 'zeta/a'],
  },
  {
    name: 'two equal ones in the own namespace are, too',
    repositories: ['own/a=oci://registry.example.com/team', 'own/b=oci://registry.example.com/team'],
    found: ['own/a', 'own/b'],
  },
  {
    name: 'shorter equal ones elsewhere do not matter',
    repositories: [
      'x/a=oci://registry.example.com',
      'y/b=oci://registry.example.com',
      'z/c=oci://registry.example.com/team',
    ],
    found: ['z/c'],
  },
];

describe('matchRepository', () => {
  for (const { name, chart, repositories, crossNamespace, found } of ROWS) {
    it(name, () => {
      const candidates = repositories.map((text) => {
        const [, namespace = '', id = '', url = ''] =
          /^(.*)\/(.*?)=(.*)$/.exec(text.replace(/=.*/, '') + text.slice(text.indexOf('='))) ?? [];
        return { namespace, name: id, url };
      });
      const match = matchRepository(chart ?? CHART, candidates, {
        namespace: 'own',
        crossNamespace: crossNamespace ?? 'allowed',
      });
      const names = {
        none: [],
        one: 'repository' in match ? [match.repository] : [],
        ambiguous: 'repositories' in match ? match.repositories : [],
      }[match.kind];
      assert.deepEqual(
        names.map((repository) => `${repository.namespace}/${repository.name}`),
        found,
      );
      assert.equal(match.kind, ['none', 'one', 'ambiguous'][Math.min(2, found.length)]);
    });
  }
});
