import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { GO } from './catalog.ts';
import { locate, unpack, type Downloader } from './download.ts';
import { compare } from './find.ts';
import { ToolError, type ToolContext } from './options.ts';

/** The first Go that fetches by itself the toolchain which a module asks for. */
const OLDEST = '1.21.0';

/** Version of the Go on PATH; throws `ToolError` when there is none or it is too old. */
export async function findGo(env: NodeJS.ProcessEnv): Promise<string> {
  let answer: string;
  try {
    answer = (await promisify(execFile)('go', ['version'], { env: { ...env, GOTOOLCHAIN: 'local' }, timeout: 20_000 }))
      .stdout;
  } catch (error) {
    const absent = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new ToolError(absent ? 'there is no Go on PATH' : 'the Go on PATH does not run');
  }
  const version = /go(\d+\.\d+(?:\.\d+)?)/.exec(answer)?.[1] ?? null;
  if (version === null || compare(version, OLDEST) < 0) {
    throw new ToolError(`the Go on PATH is ${version ?? 'of an unknown version'}, and 1.21 or newer is needed`);
  }
  return version;
}

/** Command of a Go that can build: the one on PATH, else one that is fetched into `scratch`. */
export async function obtainGo(context: ToolContext, downloader: Downloader, scratch: string): Promise<string> {
  try {
    await findGo(context.env);
    return 'go';
  } catch (unsuitable) {
    if (!(unsuitable instanceof ToolError)) throw unsuitable;
    try {
      const { file } = await downloader.fetch(locate(GO, GO.version, context), scratch);
      context.report.line(
        `${unsuitable.message}: Go ${GO.version} was downloaded for the build, and is removed after it`,
      );
      return join(await unpack(file, scratch), GO.member);
    } catch (error) {
      if (!(error instanceof ToolError)) throw error;
      throw new ToolError(`${unsuitable.message}, and it cannot be downloaded: ${error.message}`);
    }
  }
}
