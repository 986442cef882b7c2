/** Real Git repositories for tests, served over HTTP the way the embedded stack serves them. */
import { execFile } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { startGitServer, type GitServer, type RepositoryAccess } from '../../stack/services/git-server.ts';

const exec = promisify(execFile);

export interface TestRepository {
  readonly url: string;
  /** Write (null: delete) files, commit, push; answers the commit. */
  commit(files: Readonly<Record<string, string | Buffer | null>>, branch?: string): Promise<string>;
  /** Make main a commit of exactly these entries, which porcelain might refuse; the working copy stays as it is. */
  pushTree(entries: readonly RawEntry[]): Promise<string>;
  git(...args: readonly string[]): Promise<string>;
  /** The working copy. */
  readonly work: string;
}

/** An entry of a tree as Git stores it: `100644` or `120000` for a file or link, `40000` for a folder. */
export interface RawEntry {
  readonly mode: string;
  readonly name: string;
  readonly oid: string;
}

export interface TestGit {
  readonly server: GitServer;
  create(name: string): Promise<TestRepository>;
  close(): Promise<void>;
}

/** `folder` is private to the test; `access` decides who may read. Tests write to the bare repositories directly. */
export async function startTestGit(
  folder: string,
  access: (name: string) => RepositoryAccess = () => ({ read: 'anyone', logins: [] }),
): Promise<TestGit> {
  const root = join(folder, 'repositories');
  const home = join(folder, 'home');
  mkdirSync(root, { recursive: true });
  mkdirSync(home, { recursive: true });
  const server = await startGitServer({ root, port: 0, home, access });
  return {
    server,
    create: (name) => createRepository({ root, home, folder, name, url: server.url }),
    close: () => server.close(),
  };
}

interface Place {
  readonly root: string;
  readonly home: string;
  readonly folder: string;
  readonly name: string;
  readonly url: string;
}

async function createRepository({ root, home, folder, name, url }: Place): Promise<TestRepository> {
  const bare = join(root, `${name}.git`);
  const work = join(folder, 'work', name);
  const env = { PATH: process.env['PATH'] ?? '', HOME: home, GIT_CONFIG_NOSYSTEM: '1', LC_ALL: 'C' };
  const run = async (args: readonly string[], cwd: string): Promise<string> =>
    (await exec('git', args, { cwd, env, maxBuffer: 64 * 1024 * 1024 })).stdout.trim();
  mkdirSync(work, { recursive: true });
  await run(['init', '-q', '--bare', '-b', 'main', bare], root);
  await run(['init', '-q', '-b', 'main', work], root);
  await run(['config', 'user.name', 'Test'], work);
  await run(['config', 'user.email', 'test@example.com'], work);
  await run(['config', 'core.symlinks', 'true'], work);
  await run(['remote', 'add', 'origin', bare], work);
  return {
    url: `${url}/${name}.git`,
    work,
    git: (...args) => run(args, work),
    async commit(files, branch = 'main') {
      for (const [path, content] of Object.entries(files)) {
        const file = join(work, path);
        mkdirSync(dirname(file), { recursive: true });
        if (content === null) rmSync(file);
        else writeFileSync(file, content);
      }
      await run(['add', '-A'], work);
      await run(['commit', '-q', '--allow-empty', '-m', 'Change'], work);
      await run(['push', '-q', 'origin', `HEAD:refs/heads/${branch}`], work);
      return run(['rev-parse', 'HEAD'], work);
    },
    async pushTree(entries) {
      const file = join(folder, 'work', `${name}.tree`);
      writeFileSync(file, Buffer.concat(entries.map(toBytes)));
      const tree = await run(['hash-object', '-t', 'tree', '-w', '--literally', file], work);
      const commit = await run(['commit-tree', tree, '-m', 'Tree'], work);
      await run(['push', '-q', '--force', 'origin', `${commit}:refs/heads/main`], work);
      return commit;
    },
  };
}

function toBytes({ mode, name, oid }: RawEntry): Buffer {
  return Buffer.concat([Buffer.from(`${mode} ${name}\0`), Buffer.from(oid, 'hex')]);
}
