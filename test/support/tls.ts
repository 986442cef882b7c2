/** Certificates of an authority of our own, and TLS in front of a real peer. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { temporaryFolder } from './harness.ts';

export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** An authority that nobody trusts by itself. */
export interface Authority {
  readonly ca: string;
  /** For a server on 127.0.0.1, for any other name, or for a client. */
  issue(name: string, names?: string): Certificate;
}

export function createAuthority(): Authority {
  const folder = temporaryFolder();
  const make = (name: string, ...more: readonly string[]): Certificate => {
    const [cert, key] = [join(folder, `${name}.crt`), join(folder, `${name}.key`)];
    const algorithm = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
    const out = ['-subj', `/CN=${name}`, '-keyout', key, '-out', cert];
    execFileSync('openssl', ['req', '-x509', ...algorithm, ...out, ...more], { stdio: 'pipe' });
    return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') };
  };
  const { cert: ca } = make('authority');
  const signed = ['-CA', join(folder, 'authority.crt'), '-CAkey', join(folder, 'authority.key')];
  return {
    ca,
    issue: (name, names = 'IP:127.0.0.1') => make(name, ...signed, '-addext', `subjectAltName=${names}`),
  };
}

export interface TlsFront extends Certificate {
  /** Only who has a certificate of this authority gets through; absent: everybody. */
  readonly clients?: string;
}

/** TLS in front of a peer that speaks plain TCP, for as long as the tests run; answers `host:port`. */
export async function serveTls(target: string, { cert, key, clients }: TlsFront): Promise<string> {
  const [host, port] = target.split(':');
  const wanted = clients === undefined ? {} : { ca: clients, requestCert: true, rejectUnauthorized: true };
  // In TLS 1.3 a client learns only after its request that it is refused, or that the connection is gone.
  const server = createServer({ cert, key, ...wanted, maxVersion: 'TLSv1.2' }, (near) => {
    const far = connect(Number(port), host);
    near.on('error', () => far.destroy()).on('close', () => far.destroy());
    far.on('error', () => near.destroy()).on('close', () => near.destroy());
    near.pipe(far).pipe(near);
    near.unref();
    far.unref();
  });
  server.listen(0, '127.0.0.1').unref();
  await once(server, 'listening');
  return `127.0.0.1:${(server.address() as AddressInfo).port}`; // listening on a port, which a pipe is not
}
