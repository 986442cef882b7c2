import { lookup, type LookupAddress, type LookupOptions } from 'node:dns';
import { BlockList, isIP, isIPv4 } from 'node:net';

/**
 * Where nobody's charts lie, and a cloud's metadata service hands out the credentials of the machine: link-local
 * addresses, and those that clouds use for it elsewhere.
 */
const NEVER = new BlockList();
NEVER.addSubnet('169.254.0.0', 16, 'ipv4');
NEVER.addSubnet('fe80::', 10, 'ipv6');
NEVER.addAddress('fd00:ec2::254', 'ipv6');
NEVER.addAddress('100.100.100.200', 'ipv4');

/** Thrown at a connection to an address that is never connected to. */
export const ADDRESS_REFUSED = 'HOLDFAST_ADDRESS_REFUSED';

/** Tells whether a host of a URL is an address that is never connected to; a name is looked up only later. */
export function isRefusedAddress(hostname: string): boolean {
  const bare = hostname.replace(/^\[(.+)\]$/, '$1');
  const family = isIP(bare);
  return family !== 0 && NEVER.check(bare, family === 6 ? 'ipv6' : 'ipv4');
}

/** Tells whether a host of a URL is this machine itself. */
export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || (isIPv4(hostname) && hostname.startsWith('127.'));
}

type Answer = (error: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => void;

/** `dns.lookup`, for sockets: what a name stands for at the very moment of connecting is what counts. */
export function lookupAllowed(hostname: string, options: LookupOptions, answer: Answer): void {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error !== null) {
      answer(error, []);
    } else if (addresses.some(({ address }) => isRefusedAddress(address))) {
      answer(Object.assign(new TypeError('address refused'), { code: ADDRESS_REFUSED }), []);
    } else if (options.all === true) {
      answer(null, addresses);
    } else {
      const [first] = addresses;
      answer(null, first?.address ?? '', first?.family);
    }
  });
}
