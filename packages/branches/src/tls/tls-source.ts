import { readFileSync } from 'node:fs';
import net from 'node:net';
import tls, { type ConnectionOptions, type SecureContext } from 'node:tls';

/** TLS options, or a function that returns those for the next connection. */
export type TlsSource = ConnectionOptions | (() => ConnectionOptions);

/** The options of a TLS connection to a host, as a URL names it. */
export function tlsOptionsFor(host: string, source: TlsSource = {}): ConnectionOptions {
  const options = typeof source === 'function' ? source() : source;
  // No variable of the environment changes how a server is verified.
  const fixed = { minVersion: 'TLSv1.2', rejectUnauthorized: true } as const;
  return { ...fixed, ...(net.isIP(host) === 0 && { servername: host }), ...options };
}

/** PEM texts. */
export interface BranchTls {
  /** Authorities, in addition to those of the system. */
  readonly ca?: string | readonly string[];
  /** The certificate that is presented to servers which request one, with its chain. */
  readonly cert?: string;
  /** The private key of `cert`. */
  readonly key?: string | Buffer;
}

/** A context for many connections. Throws OpenSSL's error if a text is invalid. */
export const branchContext = ({ ca, cert, key }: BranchTls): SecureContext =>
  tls.createSecureContext({
    minVersion: 'TLSv1.2',
    ...(ca !== undefined && { ca: [...systemAuthorities(), ...(typeof ca === 'string' ? [ca] : ca)] }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
  });

/** `ca` replaces the authorities that Node trusts: these are added again. */
function systemAuthorities(): readonly string[] {
  // Since Node 22.15: also those of `--use-system-ca` and NODE_EXTRA_CA_CERTS.
  const { getCACertificates } = tls as { getCACertificates?: (type: 'default') => readonly string[] };
  if (getCACertificates !== undefined) return getCACertificates('default');
  const extra = process.env['NODE_EXTRA_CA_CERTS'] ?? '';
  return [...tls.rootCertificates, ...(extra === '' ? [] : readIfPossible(extra))];
}

/** As in Node, a file that cannot be read adds nothing; Node has printed a warning. */
function readIfPossible(path: string): readonly string[] {
  try {
    return [readFileSync(path, 'utf8')];
  } catch {
    return [];
  }
}
