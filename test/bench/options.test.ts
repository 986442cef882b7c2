import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseBenchArgs, type Options } from '../../bench/options.ts';

const defaults: Options = {
  benchmark: 'install',
  releases: 100,
  seconds: 60,
  json: null,
  record: 'keep',
  profile: null,
};

const accepted: readonly { name: string; args: string; options: Options }[] = [
  { name: 'a name alone', args: 'install', options: defaults },
  {
    name: 'a number of releases',
    args: 'upgrade --releases 7',
    options: { ...defaults, benchmark: 'upgrade', releases: 7 },
  },
  { name: 'a chain, which is short', args: 'chain', options: { ...defaults, benchmark: 'chain', releases: 10 } },
  {
    name: 'a thousand, which are that many',
    args: '1000',
    options: { ...defaults, benchmark: '1000', releases: 1000 },
  },
  { name: 'a time for idle', args: 'idle --seconds=30', options: { ...defaults, benchmark: 'idle', seconds: 30 } },
  {
    name: 'files and folders',
    args: 'install --json a.json --profile b --no-record',
    options: { ...defaults, json: 'a.json', profile: 'b', record: 'none' },
  },
];

const refused: readonly { name: string; args: string; says: RegExp }[] = [
  { name: 'nothing', args: '', says: /no benchmark is named: one of install, upgrade, idle, never-ready, chain, 1000/ },
  { name: 'an option alone', args: '--releases 7', says: /no benchmark is named/ },
  { name: 'another name', args: 'instal', says: /unknown benchmark "instal"/ },
  { name: 'a second name', args: 'install upgrade', says: /Unexpected argument 'upgrade'/ },
  { name: 'an unknown option', args: 'install --release 7', says: /Unknown option '--release'/ },
  {
    name: 'no releases',
    args: 'install --releases 0',
    says: /--releases is "0": expected a whole number from 1 to 2000/,
  },
  { name: 'half a release', args: 'install --releases 1.5', says: /expected a whole number/ },
  { name: 'too many releases', args: 'install --releases 2001', says: /from 1 to 2000/ },
  {
    name: 'too short a time',
    args: 'idle --seconds 9',
    says: /--seconds is "9": expected a whole number from 10 to 3600/,
  },
  { name: 'a time where none is meant', args: 'install --seconds 60', says: /--seconds is for idle only/ },
  { name: 'an empty path', args: 'install --json=', says: /--json is empty/ },
];

const words = (args: string): readonly string[] => args.split(' ').filter((word) => word !== '');

describe('the arguments of npm run bench', () => {
  for (const { name, args, options } of accepted) {
    it(`accepts ${name}`, () => {
      assert.deepEqual(parseBenchArgs(words(args)), options);
    });
  }
  for (const { name, args, says } of refused) {
    it(`refuses ${name}`, () => {
      assert.throws(() => parseBenchArgs(words(args)), { name: 'UsageError', message: says });
    });
  }
});
