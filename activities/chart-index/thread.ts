/** What the thread runs that reads an index: it blocks, and a worker's event loop must not. */
import { parentPort, workerData } from 'node:worker_threads';
import { readIndex } from './read-index.ts';

const { from, to } = workerData as { readonly from: string; readonly to: string }; // given by `readInThread`
parentPort?.postMessage(readIndex(from, to));
