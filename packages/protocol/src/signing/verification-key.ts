import { createPublicKey, createSecretKey, type KeyObject, timingSafeEqual, verify as verifyBytes } from 'node:crypto';
import { bytesOfBase64, SigningKeyError } from './key-text.ts';
import { type Body, contentOf } from './signature.ts';
import { hmac, secretOf } from './signing-key.ts';

/** Checks signatures of one key. */
export interface VerificationKey {
  /**
   * The signature among `given` that this key made of `prefix` and the body; undefined: none. The
   * time does not depend on the signatures.
   */
  find(given: readonly string[], prefix: string, body: Body): string | undefined;
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
  if (key.startsWith('whsec_')) return secretKey(createSecretKey(secretOf(key.slice('whsec_'.length))));
  if (key.startsWith('whpk_')) return publicKey(publicKeyOf(bytesOfBase64(key.slice('whpk_'.length))));
  if (key.startsWith('-----BEGIN PUBLIC KEY-----')) return publicKey(keyOfPem(key));
  if (key.startsWith('whsk_') || key.startsWith('-----BEGIN'))
    throw new SigningKeyError('is a private key; a participant needs the public one (whpk_ or PEM)');
  throw new SigningKeyError('is not a key: it begins with whsec_ or whpk_, or is a public key as PEM');
}

function secretKey(secret: KeyObject): VerificationKey {
  return {
    find: (given, prefix, body) => {
      const expected = Buffer.from(hmac(secret, prefix, body));
      let found: string | undefined;
      for (const one of given) {
        const bytes = Buffer.from(one);
        if (bytes.length === expected.length && timingSafeEqual(bytes, expected)) found = one;
      }
      return found;
    },
  };
}

const V1A = 'v1a,';

function publicKey(key: KeyObject): VerificationKey {
  return {
    find: (given, prefix, body) => {
      const signatures = given.filter((one) => one.startsWith(V1A));
      if (signatures.length === 0) return undefined;
      const content = contentOf(prefix, body);
      return signatures.find((one) => {
        const base64 = one.slice(V1A.length);
        const bytes = Buffer.from(base64, 'base64');
        // Several texts decode to the same bytes; only the one that was sent is accepted.
        return bytes.toString('base64') === base64 && verifyBytes(null, content, key, bytes);
      });
    },
  };
}

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
