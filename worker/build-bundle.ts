/** Build step of the image: `node worker/build-bundle.ts FILE` bundles the workflows for HOLDFAST_WORKFLOW_BUNDLE. */
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createLogger, toTemporalLogger } from '../runtime/logger.ts';
import { prepareBundle } from './bundle.ts';

const logger = createLogger({ name: 'bundle', level: 'info' });
const [file] = process.argv.slice(2);

if (file === undefined) {
  logger.fatal('name the file to write');
  process.exitCode = 2;
} else {
  const folder = await mkdtemp(join(dirname(file), 'bundle-'));
  await rename(await prepareBundle(folder, toTemporalLogger(logger)), file);
  await rm(folder, { recursive: true });
}
