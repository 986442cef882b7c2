/** A few cells of the kill matrix, of each victim and action; `npm run test:matrix` runs all of them. */
import type { Cell } from './cells.ts';
import { tryCells } from './try.ts';

const SHORT: readonly Cell[] = [
  { victim: 'worker', action: 'upgrade', moment: 'after the write, before the report' },
  { victim: 'worker', action: 'rollback', moment: 'in the write' },
  { victim: 'worker', action: 'rollback', moment: 'after the write, before the report' },
  { victim: 'worker', action: 'uninstall', moment: 'in a post hook' },
  { victim: 'worker', action: 'test', moment: 'in a pre hook' },
  { victim: 'worker', action: 'unlock', moment: 'before the write' },
  { victim: 'worker', action: 'correction', moment: 'before the write' },
  { victim: 'kube-apiserver', action: 'rollback', moment: 'in the wait' },
  { victim: 'kube-apiserver', action: 'uninstall', moment: 'in the write' },
  { victim: 'temporal', action: 'install', moment: 'in a post hook' },
];

tryCells(SHORT);
