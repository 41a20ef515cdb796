import { createPublicKey, type KeyObject, timingSafeEqual, verify as verifyBytes } from 'node:crypto';
import { HmacSha256 } from './hmac-sha256.ts';
import { bytesOfBase64, SigningKeyError } from './key-text.ts';
import { type Body, contentOf } from './signature.ts';
import { secretOf } from './signing-key.ts';

/** Checks signatures of one key. */
export interface VerificationKey {
  /** Whether this key made the signature, of `prefix` and the body. */
  matches(signature: string, prefix: string, body: Body): boolean;
}

/** DER of a public ed25519 key, up to its 32 bytes (RFC 8410). */
const SPKI = Buffer.from('302a300506032b6570032100', 'hex');
const PUBLIC_BYTES = 32;

/**
 * A key by which calls are verified: `whsec_…`, the secret itself, or a public ed25519 key as
 * `whpk_…` or as PEM.
 *
 * @throws {SigningKeyError} the key is malformed; the message contains no part of it
 */
export function parseVerificationKey(text: string): VerificationKey {
  const key = text.trim();
  if (key.startsWith('whsec_')) return secretKey(new HmacSha256(secretOf(key.slice('whsec_'.length))));
  if (key.startsWith('whpk_')) return publicKey(publicKeyOf(bytesOfBase64(key.slice('whpk_'.length))));
  if (key.startsWith('-----BEGIN PUBLIC KEY-----')) return publicKey(keyOfPem(key));
  if (key.startsWith('whsk_') || key.startsWith('-----BEGIN'))
    throw new SigningKeyError('is a private key; a participant needs the public one (whpk_ or PEM)');
  throw new SigningKeyError('is not a key: it begins with whsec_ or whpk_, or is a public key as PEM');
}

const V1 = 'v1,';

const secretKey = (hmac: HmacSha256): VerificationKey => ({
  matches: (signature, prefix, body) => {
    if (!signature.startsWith(V1)) return false;
    const expected = Buffer.from(hmac.sign(prefix, body));
    const given = Buffer.from(signature);
    return given.length === expected.length && timingSafeEqual(given, expected);
  },
});

const V1A = 'v1a,';

const publicKey = (key: KeyObject): VerificationKey => ({
  matches: (signature, prefix, body) => {
    if (!signature.startsWith(V1A)) return false;
    const base64 = signature.slice(V1A.length);
    const bytes = Buffer.from(base64, 'base64');
    // Several texts decode to the same bytes; only the one that was sent is accepted.
    return bytes.toString('base64') === base64 && verifyBytes(null, contentOf(prefix, body), key, bytes);
  },
});

function publicKeyOf(bytes: Buffer): KeyObject {
  if (bytes.length !== PUBLIC_BYTES)
    throw new SigningKeyError(`has a key of ${bytes.length} bytes; a public ed25519 key has ${PUBLIC_BYTES}`);
  return createPublicKey({ key: Buffer.concat([SPKI, bytes]), format: 'der', type: 'spki' });
}

function keyOfPem(pem: string): KeyObject {
  let key: KeyObject;
  try {
    key = createPublicKey(pem);
  } catch {
    throw new SigningKeyError('is a PEM text without a public key');
  }
  if (key.asymmetricKeyType !== 'ed25519')
    throw new SigningKeyError(`is a public key of type ${key.asymmetricKeyType}; it must be ed25519`);
  return key;
}
