import type { X509Certificate } from 'node:crypto';
import { TLSSocket } from 'node:tls';
import type { ClientCertificate } from '@holdfast/api';

/** Most names of one certificate that are compared. */
const MOST_NAMES = 100;
const NAME = /(?:^|, )([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^,]*)/g;

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
  const commonNames = commonNamesIn(subject);
  return {
    fingerprint: fingerprint256.replaceAll(':', '').toLowerCase(),
    // Several: programs disagree on which of them is meant, so that none identifies the owner.
    commonName: commonNames.length === 1 ? (commonNames[0] ?? '') : '',
    names: namesIn(subjectAltName),
  };
}

/**
 * The common names of a subject: Node writes a line for each of its parts, joins the attributes of
 * one part with ` + `, and escapes values after RFC 2253.
 *
 * @param subject undefined in some versions of Node if it is empty
 */
function commonNamesIn(subject: string | undefined): readonly string[] {
  return (subject ?? '')
    .split('\n')
    .flatMap((part) => part.split(' + '))
    .flatMap((attribute) => (attribute.startsWith('CN=') ? [unescaped(attribute.slice('CN='.length))] : []));
}

/** `\,` → `,` and `\0A` → a line feed; other characters are as in the certificate. */
const unescaped = (value: string): string =>
  value.replaceAll(/\\(?:([\dA-F]{2})|(.))/g, (_, hex: string | undefined, one: string) =>
    hex === undefined ? one : String.fromCodePoint(Number.parseInt(hex, 16)),
  );

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
