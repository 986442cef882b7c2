/**
 * Build step of the image: `node stack/image-tools.ts GIVEN TO` puts helm and oras into the folder TO. A binary of that
 * name in the folder GIVEN is taken; else the tool is had as `npm start` has it.
 */
import { chmodSync, copyFileSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ToolError, resolveTools } from './tools/index.ts';

const NAMES = ['helm', 'oras'] as const;

async function main([given, to]: readonly string[]): Promise<void> {
  if (given === undefined || to === undefined) throw new ToolError('name the folder of given tools and that to fill');
  const settings = NAMES.filter((name) => existsSync(join(given, name))).map(
    (name) => [`HOLDFAST_TOOL_${name.toUpperCase()}`, join(given, name)] as const,
  );
  const paths = await resolveTools(NAMES, { env: { ...process.env, ...Object.fromEntries(settings) } });
  mkdirSync(to, { recursive: true });
  for (const name of NAMES) {
    copyFileSync(paths[name], join(to, name));
    chmodSync(join(to, name), 0o755);
    console.log(`${name}: ${paths[name]}`);
  }
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof ToolError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
