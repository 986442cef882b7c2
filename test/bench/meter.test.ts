import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { parsePeakMemory, parseStat, readCpu, readPeakMemory } from '../../bench/meter.ts';

/** Fields 3 to 17 of a process that used 1.5 s itself and whose children used 0.25 s, then some more. */
const FIELDS = 'S 1 2 2 0 -1 4194304 100 200 3 4 120 30 20 5 20 0 11 0 998877 1000 2000';

describe('/proc/<pid>/stat', () => {
  const table = [
    { name: 'a plain name', stat: `42 (node) ${FIELDS}` },
    { name: 'a name with blanks and parentheses', stat: `42 (a (b) c) 7) ${FIELDS}` },
  ];
  for (const { name, stat } of table) {
    it(`tells the CPU of a process with ${name}`, () => {
      assert.deepEqual(parseStat(stat), { own: 1.5, children: 0.25 });
    });
  }

  it('that is cut short is refused', () => {
    assert.throws(() => parseStat('42 (node) S 1 2'), /not the content of a \/proc\/<pid>\/stat/);
  });

  it('keeps children apart: what one used counts once it was awaited', { skip: process.platform !== 'linux' }, () => {
    const before = readCpu(process.pid);
    spawnSync(process.execPath, ['-e', 'const end = Date.now() + 300; while (Date.now() < end);']);
    const after = readCpu(process.pid);
    assert.ok(after.children - before.children >= 0.1, JSON.stringify({ before, after }));
  });
});

describe('/proc/<pid>/status', () => {
  it('tells the peak of the memory', () => {
    assert.equal(parsePeakMemory('Name:\tnode\nVmHWM:\t  204800 kB\nVmRSS:\t    1024 kB\n'), 200);
  });

  it('of a process that has ended tells none', () => {
    assert.throws(() => parsePeakMemory('Name:\tnode\nState:\tZ (zombie)\n'), /has ended/);
  });

  it('can be read of a process that runs', { skip: process.platform !== 'linux' }, () => {
    assert.ok(readPeakMemory(process.pid) > 10);
  });
});
