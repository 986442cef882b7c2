/** The hosts of the guide, behind TLS: each has the manners of its vendor, and all lead to one real registry. */
import { once } from 'node:events';
import type { RequestListener } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { passOn } from '../support/forwarder.ts';
import { answerAs, type Behind } from '../support/registry/front.ts';
import { VENDORS, type Vendor } from '../support/registry/vendors.ts';
import type { Certificate } from '../support/tls.ts';

const vendors: readonly Vendor[] = Object.values(VENDORS);

/** Names that a certificate for all of them has. */
export const NAMES = vendors.flatMap(({ host, tokens }) => [host, ...(tokens?.host == null ? [] : [tokens.host])]);

/** TLS for all of them; answers `host:port`. `exchange` is the `host:port` of the exchange of Azure. */
export async function serveRegistries(
  certificate: Certificate,
  behind: Pick<Behind, 'registry' | 'owner'>,
  exchange: string,
): Promise<string> {
  // Everybody may pull what is public, and ask whether the registry lives.
  const open = /^\/v2\/(?:$|acme-public\/)/;
  const all = { ...behind, open, store: null, originOf: (host: string) => `https://${host}` };
  const answers = new Map<string, RequestListener>(
    vendors.flatMap((vendor) => {
      const answer = answerAs(vendor, all);
      return [vendor.host, ...(vendor.tokens?.host == null ? [] : [vendor.tokens.host])].map((host) => [host, answer]);
    }),
  );
  const server = createServer({ ...certificate, maxVersion: 'TLSv1.2' }, (request, response) => {
    if (request.url === '/oauth2/exchange') passOn(request, response, { to: exchange });
    else answers.get(request.headers.host ?? '')?.(request, response);
  });
  server.listen(0, '127.0.0.1').unref();
  await once(server, 'listening');
  return `127.0.0.1:${(server.address() as AddressInfo).port}`; // on a port, which a pipe is not
}
