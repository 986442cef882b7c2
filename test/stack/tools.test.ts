import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { c as createArchive } from 'tar';
import {
  describePlan,
  missingTools,
  planTools,
  resolveTools,
  ToolError,
  type Platform,
  type ToolOptions,
} from '../../stack/tools/index.ts';

const LINUX: Platform = { os: 'linux', arch: 'amd64' };
const HELM = '/get.helm.sh/helm-v4.3.0-linux-amd64.tar.gz';

let folder: string;
let bin: string;
let lines: string[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-tools-'));
  bin = join(folder, 'bin');
  lines = [];
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A script that answers every question for its version. */
async function program(path: string, answer: string): Promise<string> {
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(path, `#!/bin/sh\necho '${answer}'\n`);
  await chmod(path, 0o755);
  return path;
}

/** No Go, no publisher that answers, an empty cache; each case adds what it is about. */
function options(env: NodeJS.ProcessEnv = {}, more: Partial<ToolOptions> = {}): ToolOptions {
  return {
    env: { PATH: bin, HOLDFAST_DOWNLOAD_BASE: silent, ...env },
    cacheDir: join(folder, 'cache'),
    report: { line: (text) => lines.push(text), status: () => undefined },
    platform: LINUX,
    ...more,
  };
}

async function refusal(attempt: Promise<unknown>): Promise<string> {
  const error: unknown = await attempt.then(
    () => assert.fail('it was resolved'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof ToolError, String(error));
  return error.message;
}

/** What publishers serve, by path; the requests are counted. */
let server: Server;
let base: string;
/** An address where nobody listens. */
let silent: string;
let served: Map<string, Buffer | 'never'>;
let requests: string[];
before(async () => {
  server = createServer((request, response) => {
    requests.push(request.url ?? '');
    const body = served.get(request.url ?? '');
    if (body !== 'never') response.writeHead(body === undefined ? 404 : 200).end(body);
  });
  base = await listen(server);
  const closed = createServer();
  silent = await listen(closed);
  closed.close();
});
after(() => {
  server.close();
  server.closeAllConnections();
});
beforeEach(() => {
  served = new Map();
  requests = [];
});

async function listen(on: Server): Promise<string> {
  await new Promise<void>((resolve) => on.listen(0, '127.0.0.1', resolve));
  // A TCP server has an address and a port.
  return `http://127.0.0.1:${(on.address() as AddressInfo).port}`;
}

/** Put helm's archive on the stand-in; answers its sha256. */
async function publishHelm(answer = 'v4.3.0'): Promise<string> {
  await program(join(folder, 'made', 'linux-amd64', 'helm'), answer);
  const file = join(folder, 'helm.tar.gz');
  await createArchive({ file, gzip: true, cwd: join(folder, 'made') }, ['linux-amd64/helm']);
  const archive = await readFile(file);
  const sum = createHash('sha256').update(archive).digest('hex');
  served.set(HELM, archive);
  served.set(`${HELM}.sha256sum`, Buffer.from(`${sum}  helm-v4.3.0-linux-amd64.tar.gz\n`));
  return sum;
}

describe('a tool is taken from', () => {
  it('its setting before all else', async () => {
    const mine = await program(join(folder, 'mine'), 'v3.0.0');
    await program(join(bin, 'helm'), 'v4.3.0');
    const { helm } = await resolveTools(['helm'], options({ HOLDFAST_TOOL_HELM: mine }));
    assert.equal(helm, mine);
  });

  it('PATH before the cache', async () => {
    await publishHelm();
    const cached = await resolveTools(['helm'], options({ HOLDFAST_DOWNLOAD_BASE: base }));
    assert.deepEqual(await resolveTools(['helm'], options()), cached);
    const onPath = await program(join(bin, 'helm'), 'v4.9.1');
    assert.deepEqual(await resolveTools(['helm'], options()), { helm: onPath });
  });

  it('a later folder of PATH when an earlier one has an unsuitable version', async () => {
    await program(join(bin, 'helm'), 'v3.18.2');
    const later = await program(join(folder, 'later', 'helm'), 'v4.3.1');
    const PATH = `${bin}:${join(folder, 'later')}`;
    assert.deepEqual(await resolveTools(['helm'], options({ PATH })), { helm: later });
  });

  it('no folder of npm, whose package of the same name is another program', async () => {
    await program(join(folder, 'node_modules', '.bin', 'oras'), 'Version: 1.3.6');
    const PATH = join(folder, 'node_modules', '.bin');
    assert.deepEqual(await missingTools(['oras'], options({ PATH })), ['oras']);
  });
});

describe('a download', () => {
  it('is verified, unpacked and kept with its checksum', async () => {
    const sum = await publishHelm();
    const { helm } = await resolveTools(['helm'], options({ HOLDFAST_DOWNLOAD_BASE: base }));
    assert.equal(helm, join(folder, 'cache', 'tools', 'helm', '4.3.0', 'linux-amd64', 'helm'));
    assert.equal(execFileSync(helm, { encoding: 'utf8' }), 'v4.3.0\n');
    const manifest: unknown = JSON.parse(await readFile(join(helm, '..', 'manifest.json'), 'utf8'));
    assert.partialDeepStrictEqual(manifest, { name: 'helm', version: '4.3.0', origin: `${base}${HELM}`, sha256: sum });
    assert.equal(existsSync(join(folder, 'cache', 'scratch')), false);
    assert.equal(existsSync(join(folder, 'cache', 'lock')), false);
  });

  it('is made once when two runs want it at the same time', async () => {
    await publishHelm();
    const both = [1, 2].map(() => resolveTools(['helm'], options({ HOLDFAST_DOWNLOAD_BASE: base })));
    const [first, second] = await Promise.all(both);
    assert.deepEqual(first, second);
    assert.deepEqual(requests, [`${HELM}.sha256sum`, HELM]);
  });

  it('does not wait for a run that was killed', async () => {
    await publishHelm();
    await mkdir(join(folder, 'cache', 'scratch', 'left'), { recursive: true });
    // Beyond the largest pid of Linux and macOS.
    await writeFile(join(folder, 'cache', 'lock'), '4999999');
    await resolveTools(['helm'], options({ HOLDFAST_DOWNLOAD_BASE: base }));
    assert.equal(existsSync(join(folder, 'cache', 'scratch')), false);
  });

  it('that is interrupted leaves neither a lock nor files behind', async () => {
    await publishHelm();
    served.set(HELM, 'never');
    const interrupt = new AbortController();
    const run = resolveTools(['helm'], options({ HOLDFAST_DOWNLOAD_BASE: base }, { signal: interrupt.signal }));
    server.on('request', (request) => {
      if (request.url === HELM) interrupt.abort();
    });
    await assert.rejects(run, { name: 'AbortError' });
    assert.equal(existsSync(join(folder, 'cache', 'scratch')), false);
    assert.equal(existsSync(join(folder, 'cache', 'lock')), false);
  });

  const failures = [
    {
      name: 'whose checksum differs falls through to the build',
      arrange: () => served.set(`${HELM}.sha256sum`, Buffer.from(`${'0'.repeat(64)}  helm-v4.3.0-linux-amd64.tar.gz`)),
      says: /has sha256 [0-9a-f]{64}, and its publisher says 0{64}; building with Go instead/,
    },
    {
      name: 'whose checksum is not published falls through to the build',
      arrange: () => served.set(`${HELM}.sha256sum`, Buffer.from('<html>')),
      says: /names no sha256 for helm-v4\.3\.0-linux-amd64\.tar\.gz; building with Go instead/,
    },
    {
      name: 'that is not there falls through to the build',
      arrange: () => served.delete(HELM),
      says: /linux-amd64\.tar\.gz answers 404; building with Go instead/,
    },
    {
      name: 'that is no archive falls through to the build',
      arrange: () => {
        const body = Buffer.from('sorry');
        served.set(HELM, body);
        served.set(`${HELM}.sha256sum`, Buffer.from(createHash('sha256').update(body).digest('hex')));
      },
      says: /cannot be unpacked .*; building with Go instead/,
    },
  ];
  for (const { name, arrange, says } of failures) {
    it(name, async () => {
      await publishHelm();
      arrange();
      const message = await refusal(resolveTools(['helm'], options({ HOLDFAST_DOWNLOAD_BASE: base })));
      assert.match(lines.join('\n'), says);
      assert.match(message, /build: there is no Go on PATH/);
      assert.equal(existsSync(join(folder, 'cache', 'tools')), false);
    });
  }

  it('that does not run here falls through to the build and leaves nothing in the cache', async () => {
    await publishHelm('no version at all');
    await refusal(resolveTools(['helm'], options({ HOLDFAST_DOWNLOAD_BASE: base })));
    assert.match(lines.join('\n'), /does not run on this machine; building with Go instead/);
    assert.deepEqual(await missingTools(['helm'], options()), ['helm']);
  });
});

describe('a build', () => {
  it('brings Go itself where there is none, and leaves nothing of it', async () => {
    const script = `#!/bin/sh
[ "$1" = install ] && printf '#!/bin/sh\\necho Version: 1.3.6\\n' > "$GOBIN/oras"
`;
    await program(join(folder, 'go', 'bin', 'go'), '');
    await writeFile(join(folder, 'go', 'bin', 'go'), script);
    const file = join(folder, 'go.tar.gz');
    await createArchive({ file, gzip: true, cwd: folder }, ['go']);
    const url = '/dl.google.com/go/go1.26.8.linux-amd64.tar.gz';
    served.set(url, await readFile(file));
    served.set(
      `${url}.sha256`,
      Buffer.from(
        createHash('sha256')
          .update(await readFile(file))
          .digest('hex'),
      ),
    );
    const { oras } = await resolveTools(['oras'], options({ HOLDFAST_DOWNLOAD_BASE: base }));
    assert.equal(execFileSync(oras, { encoding: 'utf8' }), 'Version: 1.3.6\n');
    assert.match(lines.join('\n'), /there is no Go on PATH: Go 1\.26\.8 was downloaded for the build, and is removed/);
    const manifest: unknown = JSON.parse(await readFile(join(oras, '..', 'manifest.json'), 'utf8'));
    assert.partialDeepStrictEqual(manifest, { origin: 'oras.land/oras/cmd/oras@v1.3.6', sha256: null });
    assert.equal(existsSync(join(folder, 'cache', 'scratch')), false);
  });
});

describe('a tool that cannot be had', () => {
  it('without Go and internet names all that was tried, and the way out', async () => {
    await program(join(bin, 'helm'), 'v3.18.2');
    const message = await refusal(resolveTools(['helm', 'oras'], options()));
    assert.deepEqual(message.split('\n'), [
      'helm 4.3.0 cannot be had:',
      '  - HOLDFAST_TOOL_HELM is not set',
      `  - ${bin}/helm is 3.18.2, not 4.3.0 or newer and below 5.0.0`,
      `  - it is not in ${folder}/cache`,
      `  - download: ${silent} cannot be reached (ECONNREFUSED)`,
      `  - build: there is no Go on PATH, and it cannot be downloaded: ${silent} cannot be reached (ECONNREFUSED)`,
      'still missing after it: oras',
      'way out: connect to the internet, or put Go 1.21 or newer on PATH, or set HOLDFAST_TOOL_HELM to a binary',
    ]);
    assert.deepEqual(lines, [
      `no download of helm, oras: ${silent} cannot be reached (ECONNREFUSED); building with Go instead`,
    ]);
  });

  it('because Go is too old says so', async () => {
    await program(join(bin, 'go'), 'go version go1.18.1 linux/amd64');
    const message = await refusal(resolveTools(['helm'], options()));
    assert.match(message, /build: the Go on PATH is 1\.18\.1, and 1\.21 or newer is needed/);
  });

  it('because its setting names nothing says so', async () => {
    const message = await refusal(resolveTools(['helm'], options({ HOLDFAST_TOOL_HELM: '/nowhere/helm' })));
    assert.equal(
      message,
      "HOLDFAST_TOOL_HELM=/nowhere/helm is not an executable file: name helm's binary, or unset it",
    );
  });

  it('because the disk is full says how much is needed, before anything is asked or written', async () => {
    await publishHelm();
    const full = options({ HOLDFAST_DOWNLOAD_BASE: base }, { freeBytes: () => Promise.resolve(50e6) });
    const message = await refusal(resolveTools(['helm'], full));
    assert.match(message, /^getting 1 tools needs 134 MB of disk, and .*cache has 50 MB free: free some, or set/);
    assert.deepEqual(requests, []);
  });

  it('because the disk is too full for a build says so before it begins', async () => {
    const message = await refusal(resolveTools(['helm'], options({}, { freeBytes: () => Promise.resolve(500e6) })));
    assert.match(message, /^building 1 tools with Go \(most of it freed afterwards\) needs 2\.3 GB of disk/);
  });

  const goFolder = (process.env['PATH'] ?? '').split(':').find((path) => existsSync(join(path, 'go')));
  it(
    'because its build fails shows the end of the log and where it is',
    { skip: !goFolder && 'no Go here' },
    async () => {
      const env = { PATH: goFolder, HOME: folder, GOPROXY: 'off', GOTOOLCHAIN: 'local' };
      const message = await refusal(resolveTools(['oras'], options(env)));
      const log = join(folder, 'cache', 'logs', 'build-oras.log');
      assert.ok(message.includes(`build: go install failed; the whole output is in ${log}, its end:`), message);
      assert.match(message, /module lookup disabled by GOPROXY=off/);
      assert.match(await readFile(log, 'utf8'), /module lookup disabled by GOPROXY=off/);
      assert.equal(existsSync(join(folder, 'cache', 'scratch')), false);
    },
  );
});

describe('the plan', () => {
  it('names what is missing, how long it takes and what it needs', async () => {
    await program(join(bin, 'helm'), 'v4.3.0');
    await program(join(bin, 'go'), 'go version go1.26.8 linux/amd64');
    const plan = await planTools(['helm', 'oras', 'kwok'], options({}, { freeBytes: () => Promise.resolve(5e9) }));
    assert.deepEqual(describePlan(plan), [
      'tools to get: oras 1.3.6, kwok 0.8.0',
      '  downloaded from their publishers, if these can be reached: about 1 min, 152 MB of disk',
      '  otherwise built with Go 1.26.8: about 3 min on two cores, 976 MB of disk (most of it freed afterwards), 3.0 GB of memory',
      `  kept in ${folder}/cache (5.0 GB free there) until \`npm run clean\``,
    ]);
  });

  it('is empty when everything is there', async () => {
    await program(join(bin, 'helm'), 'v4.3.0');
    assert.deepEqual(describePlan(await planTools(['helm'], options())), []);
  });
});
