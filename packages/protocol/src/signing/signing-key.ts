import { createPrivateKey, createPublicKey, type KeyObject, sign as signBytes } from 'node:crypto';
import { HmacSha256 } from './hmac-sha256.ts';
import { bytesOfBase64, SigningKeyError } from './key-text.ts';
import { type Body, contentOf, type Signature } from './signature.ts';

/** A key that signs calls. The key itself is not readable: nothing can log it. */
export interface SigningKey {
  /** The version of its signatures: `v1` is HMAC-SHA256, `v1a` is ed25519. */
  readonly version: 'v1' | 'v1a';
  /** Of an ed25519 key, `whpk_` and the public key in base64; participants verify with it. */
  readonly publicKey?: string;
  /** Signs `prefix` and then the body. */
  sign(prefix: string, body: Body): Signature;
}

/** Keys that sign each call, at most. */
export const MAX_SIGNING_KEYS = 8;

/** Length of a secret in bytes, as the Standard Webhooks specification requires. */
const SECRET_BYTES = { min: 24, max: 64 } as const;

/**
 * The keys in the text of a file, in its order: lines with `whsec_…` (HMAC-SHA256) or `whsk_…`
 * (ed25519), and PEM blocks with a private ed25519 key. Blank lines and lines that begin with `#`
 * are ignored.
 *
 * @throws {SigningKeyError} the text has no key, or a key is malformed; the message contains no
 *   part of the text
 */
export function parseSigningKeys(text: string): readonly SigningKey[] {
  const keys: SigningKey[] = [];
  const rest = text.replaceAll(PEM, (block) => {
    keys.push(keyOfPem(block));
    // Keeps the number of lines, which errors refer to.
    return `${PLACE}${block.replaceAll(/[^\n]/g, '')}`;
  });
  const inOrder: SigningKey[] = [];
  for (const [index, line] of rest.split('\n').entries()) {
    const key = line.trim();
    if (key === '' || key.startsWith('#')) continue;
    const found = key === PLACE ? keys.shift() : keyOfLine(key, index + 1);
    if (found !== undefined) inOrder.push(found);
  }
  if (inOrder.length === 0) throw new SigningKeyError('has no key');
  if (inOrder.length > MAX_SIGNING_KEYS) throw new SigningKeyError(`has more than ${MAX_SIGNING_KEYS} keys`);
  return inOrder;
}

const PEM = /-----BEGIN [A-Z0-9 ]{1,40}-----[^-]{0,16384}-----END [A-Z0-9 ]{1,40}-----/g;
/** Marks a PEM block; no key contains it. */
const PLACE = '\u0000';

function keyOfLine(line: string, number: number): SigningKey {
  try {
    if (line.startsWith('whsec_')) return hmacKey(line.slice('whsec_'.length));
    if (line.startsWith('whsk_')) return ed25519KeyOf(line.slice('whsk_'.length));
  } catch (error) {
    throw error instanceof SigningKeyError ? new SigningKeyError(`line ${number} ${error.message}`) : error;
  }
  throw new SigningKeyError(
    line.startsWith('whpk_')
      ? `line ${number} is a public key (whpk_); calls are signed with the private key (whsk_ or PEM)`
      : `line ${number} is not a key: a key begins with whsec_ or whsk_, or is a PEM block`,
  );
}

function hmacKey(base64: string): SigningKey {
  const hmac = new HmacSha256(secretOf(base64));
  return { version: 'v1', sign: (prefix, body) => hmac.sign(prefix, body) };
}

/** @throws {SigningKeyError} the text is not base64, or the secret is too short or too long */
export function secretOf(base64: string): Buffer {
  const bytes = bytesOfBase64(base64);
  const { min, max } = SECRET_BYTES;
  if (bytes.length < min || bytes.length > max)
    throw new SigningKeyError(`has a secret of ${bytes.length} bytes; it must have ${min} to ${max}`);
  return bytes;
}

/** DER of a private ed25519 key, up to its 32 bytes (RFC 8410). */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');
const SEED_BYTES = 32;

/** The seed of 32 bytes, or the seed followed by the public key. */
function ed25519KeyOf(base64: string): SigningKey {
  const bytes = bytesOfBase64(base64);
  if (bytes.length !== SEED_BYTES && bytes.length !== 2 * SEED_BYTES)
    throw new SigningKeyError(`has a key of ${bytes.length} bytes; a private ed25519 key has 32 or 64`);
  const key = ed25519Key(
    createPrivateKey({
      key: Buffer.concat([PKCS8, bytes.subarray(0, SEED_BYTES)]),
      format: 'der',
      type: 'pkcs8',
    }),
  );
  const publicPart = bytes.subarray(SEED_BYTES).toString('base64');
  if (publicPart !== '' && key.publicKey !== `whpk_${publicPart}`)
    throw new SigningKeyError('has a private and a public part that do not belong together');
  return key;
}

function keyOfPem(pem: string): SigningKey {
  if (pem.includes('ENCRYPTED'))
    throw new SigningKeyError('has an encrypted private key; store it without a passphrase');
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch {
    // The error of the library is about its decoder, and may contain parts of the text.
    throw new SigningKeyError('has a PEM block that is not a private key');
  }
  if (key.asymmetricKeyType !== 'ed25519')
    throw new SigningKeyError(`has a private key of type ${key.asymmetricKeyType}; it must be ed25519`);
  return ed25519Key(key);
}

function ed25519Key(key: KeyObject): SigningKey {
  const { x = '' } = createPublicKey(key).export({ format: 'jwk' });
  return {
    version: 'v1a',
    publicKey: `whpk_${Buffer.from(x, 'base64url').toString('base64')}`,
    sign: (prefix, body) => `v1a,${signBytes(null, contentOf(prefix, body), key).toString('base64')}`,
  };
}
