/** A Git repository of a benchmark, and its GitRepository in the cluster. */
import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startGitServer } from '../stack/services/git-server.ts';
import { bareEnvironment } from '../stack/services/service.ts';
import { apply, type ReleaseManifest } from './holdfast.ts';
import type { Scene } from './scene.ts';

export interface Repository {
  /** Write one file per object, commit and push. */
  push(objects: readonly ReleaseManifest[]): Promise<void>;
  /** Have the cluster follow it: the first time its GitRepository is made, later it is asked to look now. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

const NAME = 'bench';
const AUTHOR = ['-c', 'user.name=bench', '-c', 'user.email=bench@example.com'];
const run = promisify(execFile);

export async function startRepository(scene: Scene, namespace: string): Promise<Repository> {
  const root = join(scene.folder, 'git');
  const work = join(scene.folder, 'git-work');
  mkdirSync(root, { recursive: true });
  const env = bareEnvironment(join(scene.folder, 'home'));
  const git = async (...args: readonly string[]): Promise<void> => {
    await run('git', [...AUTHOR, ...args], { cwd: root, env });
  };
  const bare = join(root, `${NAME}.git`);
  await git('init', '--quiet', '--bare', '--initial-branch=main', bare);
  await git('clone', '--quiet', bare, work);
  const server = await startGitServer({
    root,
    port: 0,
    home: join(scene.folder, 'home'),
    access: () => ({ read: 'anyone', logins: [] }),
  });
  let syncs = 0;
  return {
    async push(objects) {
      for (const object of objects) {
        writeFileSync(join(work, `${object.metadata.name}.yaml`), `${JSON.stringify(object, null, 2)}\n`);
      }
      await git('-C', work, 'add', '--all');
      await git('-C', work, 'commit', '--quiet', '--message=Change');
      await git('-C', work, 'push', '--quiet', 'origin', 'HEAD:main');
    },
    async sync() {
      syncs += 1;
      await apply(scene, [
        toGitRepository(namespace, { url: `${server.url}/${NAME}.git`, requestedAt: String(syncs) }),
      ]);
    },
    close: () => server.close(),
  };
}

function toGitRepository(namespace: string, { url, requestedAt }: { url: string; requestedAt: string }): object {
  return {
    apiVersion: 'holdfast.dev/v1alpha1',
    kind: 'GitRepository',
    metadata: { name: NAME, namespace, annotations: { 'holdfast.dev/requestedAt': requestedAt } },
    spec: { url, interval: '24h' },
  };
}
