import type { X509Certificate } from 'node:crypto';
import { TLSSocket } from 'node:tls';
import type { ClientCertificate } from '@holdfast/api';

/** Most names of one certificate that are compared. */
const MOST_NAMES = 100;
const NAME = /(?:^|, )([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^,]*)/g;
const COMMON_NAME = /^CN=(.*)$/m;

/** A connection has one certificate, and many requests. */
const known = new WeakMap<object, ClientCertificate>();

/** The verified certificate of a connection's client; undefined without TLS or a certificate. */
export function clientCertificateOf(socket: unknown): ClientCertificate | undefined {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined;
  const found = known.get(socket);
  if (found !== undefined) return found;
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return undefined;
  const described = describe(certificate);
  known.set(socket, described);
  return described;
}

/** The part of a certificate that identifies its owner. */
export function describe({
  fingerprint256,
  subject,
  subjectAltName = '',
}: Pick<X509Certificate, 'fingerprint256' | 'subject' | 'subjectAltName'>): ClientCertificate {
  return {
    fingerprint: fingerprint256.replaceAll(':', '').toLowerCase(),
    commonName: COMMON_NAME.exec(subject)?.[1] ?? '',
    names: namesIn(subjectAltName),
  };
}

/** Node quotes a name that contains a comma or a quote, so that it cannot pose as two names. */
function namesIn(text: string): readonly string[] {
  return [...text.matchAll(NAME)]
    .slice(0, MOST_NAMES)
    .map(([, kind = '', name = '']) => `${kind === 'IP Address' ? 'IP' : kind}:${unquoted(name)}`);
}

function unquoted(name: string): string {
  if (!name.startsWith('"')) return name;
  try {
    return String(JSON.parse(name));
  } catch {
    return name;
  }
}
