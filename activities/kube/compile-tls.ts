import { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { failure, type HoldfastError } from '../failures.ts';
import type { Transport } from '../http/transport.ts';

/** Where certificates come from: a Secret of type `kubernetes.io/tls`, what cert-manager writes, or files. */
interface TlsParts {
  /** For messages: `Secret apps/registry-tls`. */
  readonly subject: string;
  readonly data: Readonly<Record<string, string>>;
  /** What the authority, the client certificate and its key are called there. */
  readonly keys?: readonly [string, string, string];
}

/** As a Secret calls them. */
const KEYS = ['ca.crt', 'tls.crt', 'tls.key'] as const;

/** Whom we trust and who we are. What is wrong with it would otherwise be told as a broken connection. */
export function compileTls(parts: TlsParts, now: number): Pick<Transport['tls'], 'ca' | 'client'> {
  const { subject, data, keys = KEYS } = parts;
  const [ca, cert, key] = keys.map((part) => data[part] || null);
  if (ca == null && cert == null && key == null) {
    const present = Object.keys(data).sort().join(', ') || 'none';
    throw invalid(subject, `has none of the keys ca.crt, tls.crt and tls.key; its keys are: ${present}`);
  }
  const named = { subject, keys };
  return { ca: ca == null ? null : checkAuthority(named, ca), client: compileClient(named, { cert, key }, now) };
}

type Named = Required<Pick<TlsParts, 'subject' | 'keys'>>;

function checkAuthority({ subject, keys: [name] }: Named, ca: string): string {
  try {
    new X509Certificate(ca);
    return ca;
  } catch {
    // OpenSSL's own words may quote it.
    throw invalid(subject, `cannot be used: its ${name} is no certificate in PEM`);
  }
}

interface Pair {
  readonly cert: string | null | undefined;
  readonly key: string | null | undefined;
}

function compileClient(named: Named, { cert, key }: Pair, now: number): Transport['tls']['client'] {
  const { subject, keys } = named;
  if (cert == null && key == null) return null;
  if (cert == null || key == null) {
    const [has, lacks] = cert == null ? [keys[2], keys[1]] : [keys[1], keys[2]];
    throw invalid(subject, `has ${has} but no ${lacks}; a client certificate needs both`);
  }
  const end = endOf(named, { cert, key });
  if (end.getTime() > now) return { cert, key };
  throw invalid(subject, `cannot be used: its client certificate expired at ${end.toISOString()}; renew it`);
}

function endOf({ subject, keys: [, cert, key] }: Named, pair: { readonly cert: string; readonly key: string }): Date {
  try {
    createSecureContext(pair);
    return new X509Certificate(pair.cert).validToDate;
  } catch {
    const why = `its ${cert} and ${key} are no certificate and its key in PEM, or do not belong together`;
    throw invalid(subject, `cannot be used: ${why}`);
  }
}

function invalid(subject: string, why: string): HoldfastError {
  return failure('SecretInvalid', `${subject} ${why}`);
}
