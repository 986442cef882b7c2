import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { choosePorts, freePorts, readPorts } from '../../stack/ports.ts';
import { temporaryFolder } from '../support/harness.ts';

describe('ports', () => {
  const folder = temporaryFolder();

  it('are chosen once and used again', async () => {
    const file = join(folder, 'again.json');
    const wanted = await freePorts();
    writeFileSync(file, JSON.stringify(wanted));
    assert.deepEqual(await choosePorts(file), { ports: wanted, moved: [] });
    assert.deepEqual(readPorts(file), wanted);
  });

  it('give way where another program listens', async () => {
    const file = join(folder, 'taken.json');
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    // A listening TCP server has an address object.
    const { port } = server.address() as AddressInfo;
    try {
      const wanted = { ...(await freePorts()), api: port };
      writeFileSync(file, JSON.stringify(wanted));
      const { ports, moved } = await choosePorts(file);
      assert.deepEqual(moved, [{ name: 'api', from: port, to: ports.api }]);
      assert.deepEqual({ ...ports, api: port }, wanted);
      assert.deepEqual(readPorts(file), ports);
    } finally {
      server.close();
    }
  });

  it('are chosen anew when the file cannot be read', () => {
    const file = join(folder, 'broken.json');
    writeFileSync(file, 'not JSON');
    assert.equal(readPorts(file), null);
    writeFileSync(file, JSON.stringify({ api: 'high', git: 70_000, registry: 5500, other: 1 }));
    assert.deepEqual(readPorts(file), { registry: 5500 });
    assert.equal(readPorts(join(folder, 'absent.json')), null);
  });
});
