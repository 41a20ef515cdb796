import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { FileFault } from '../secrets/file-fault.ts';

const BLOCK = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;
/** More than any list of authorities of an operating system. */
const MOST_CERTIFICATES = 2_000;

/** A certificate that can be used with its key. */
export interface CertifiedKey {
  /** PEM: the certificate, and those of the authorities between it and the root. */
  readonly cert: string;
  readonly key: Buffer;
  /** Milliseconds since the epoch. */
  readonly validFromMs: number;
  readonly expiresMs: number;
}

/** The certificates of a PEM file. Throws `FileFault` at position `at`. */
function certificatesIn(bytes: Buffer, at: number): readonly X509Certificate[] {
  const blocks = bytes.toString('latin1').match(BLOCK) ?? [];
  if (blocks.length === 0) throw new FileFault('it contains no certificate in PEM form (BEGIN CERTIFICATE)', at);
  if (blocks.length > MOST_CERTIFICATES)
    throw new FileFault(`it contains more than ${MOST_CERTIFICATES} certificates`, at);
  return blocks.map((block, index) => {
    try {
      return new X509Certificate(block);
    } catch {
      throw new FileFault(`its certificate ${index + 1} is damaged`, at);
    }
  });
}

/** The certificates of authorities, as PEM. Throws `FileFault`. */
export const readAuthorities = (bytes: Buffer, at = 0): readonly string[] =>
  certificatesIn(bytes, at).map((certificate) => certificate.toString());

/**
 * A certificate and its private key. The first file is at position `at`, the second follows. Throws
 * `FileFault`, whose message never contains a part of the key.
 */
export function readCertifiedKey(certificate: Buffer, key: Buffer, at = 0): CertifiedKey {
  const chain = certificatesIn(certificate, at);
  const first = chain[0] as X509Certificate;
  const privateKey = readPrivateKey(key, at + 1);
  if (!first.checkPrivateKey(privateKey))
    throw new FileFault('the key does not belong to the (first) certificate', at + 1);
  const cert = chain.map((each) => each.toString()).join('');
  try {
    createSecureContext({ cert, key });
  } catch (error) {
    // OpenSSL rejects what its security level forbids, such as a key of 512 bits.
    const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
    throw new FileFault(`OpenSSL does not accept the certificate${code}`, at);
  }
  return { cert, key, validFromMs: Date.parse(first.validFrom), expiresMs: Date.parse(first.validTo) };
}

function readPrivateKey(bytes: Buffer, at: number): KeyObject {
  const text = bytes.toString('latin1');
  if (/-----BEGIN ENCRYPTED PRIVATE KEY-----|Proc-Type: 4,ENCRYPTED/.test(text))
    throw new FileFault('the key is encrypted; decrypt it: openssl pkey -in ENCRYPTED -out KEY', at);
  if (!/-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----/.test(text))
    throw new FileFault('it contains no private key in PEM form (BEGIN PRIVATE KEY)', at);
  try {
    return createPrivateKey(bytes);
  } catch {
    throw new FileFault('its private key is damaged', at);
  }
}

const DAY_MS = 86_400_000;
/** A certificate that expires sooner is a warning. Let's Encrypt renews 30 days before the end. */
const SOON_MS = 14 * DAY_MS;

/** Why a certificate is not valid now; undefined: it is. */
export function faultOfPeriod({ validFromMs, expiresMs }: CertifiedKey, nowMs: number): string | undefined {
  if (nowMs >= expiresMs) return `the certificate expired on ${dateOf(expiresMs)}`;
  return nowMs < validFromMs ? `the certificate is not valid before ${dateOf(validFromMs)}` : undefined;
}

/** That a certificate is not valid, or expires soon. */
export function warningOfPeriod(certificate: CertifiedKey, nowMs: number): string | undefined {
  const fault = faultOfPeriod(certificate, nowMs);
  if (fault !== undefined) return `${fault}; peers reject it`;
  const { expiresMs } = certificate;
  return expiresMs - nowMs < SOON_MS ? `the certificate expires on ${dateOf(expiresMs)}; renew it` : undefined;
}

const dateOf = (ms: number): string => new Date(ms).toISOString().replace('.000', '');
