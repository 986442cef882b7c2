/** All cells of one victim: `npm run test:matrix` runs this file once for each. */
import process from 'node:process';
import { CELLS } from './cells.ts';
import { tryCells } from './try.ts';

tryCells(CELLS.filter(({ victim }) => victim === process.env['HOLDFAST_TEST_MATRIX_VICTIM']));
