import { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { failure, type HoldfastError } from '../failures.ts';
import type { Transport } from '../http/transport.ts';

/** A Secret of type `kubernetes.io/tls`, or what cert-manager writes. */
interface TlsSecret {
  /** `namespace/name`. */
  readonly name: string;
  readonly data: Readonly<Record<string, string>>;
}

/** Whom we trust and who we are. What is wrong with it would otherwise be told as a broken connection. */
export function compileTls({ name, data }: TlsSecret, now: number): Pick<Transport['tls'], 'ca' | 'client'> {
  const [ca, cert, key] = ['ca.crt', 'tls.crt', 'tls.key'].map((part) => data[part] || null);
  if (ca == null && cert == null && key == null) {
    const present = Object.keys(data).sort().join(', ') || 'none';
    throw invalid(name, `has none of the keys ca.crt, tls.crt and tls.key; its keys are: ${present}`);
  }
  return { ca: ca == null ? null : checkAuthority(name, ca), client: compileClient(name, { cert, key }, now) };
}

function checkAuthority(name: string, ca: string): string {
  try {
    new X509Certificate(ca);
    return ca;
  } catch {
    // OpenSSL's own words may quote it.
    throw invalid(name, 'cannot be used: its ca.crt is no certificate in PEM');
  }
}

interface Pair {
  readonly cert: string | null | undefined;
  readonly key: string | null | undefined;
}

function compileClient(name: string, { cert, key }: Pair, now: number): Transport['tls']['client'] {
  if (cert == null && key == null) return null;
  if (cert == null || key == null) {
    const [has, lacks] = cert == null ? ['tls.key', 'tls.crt'] : ['tls.crt', 'tls.key'];
    throw invalid(name, `has ${has} but no ${lacks}; a client certificate needs both`);
  }
  const end = endOf(name, { cert, key });
  if (end.getTime() > now) return { cert, key };
  throw invalid(name, `cannot be used: its client certificate expired at ${end.toISOString()}; renew it`);
}

function endOf(name: string, pair: { readonly cert: string; readonly key: string }): Date {
  try {
    createSecureContext(pair);
    return new X509Certificate(pair.cert).validToDate;
  } catch {
    const why = 'its tls.crt and tls.key are no certificate and its key in PEM, or do not belong together';
    throw invalid(name, `cannot be used: ${why}`);
  }
}

function invalid(name: string, why: string): HoldfastError {
  return failure('SecretInvalid', `Secret ${name} ${why}`);
}
