import { hash } from 'node:crypto';
import { type Body, contentOf, type Signature } from './signature.ts';

/** Bytes that SHA-256 processes at a time; a secret is at most as long. */
const BLOCK_BYTES = 64;
const DIGEST_BYTES = 32;
const [INNER, OUTER] = [0x36, 0x5c];
/** Longer messages are assembled in a separate buffer. */
const KEPT_BYTES = 2_048;
/** Bytes that UTF-8 takes at most for one character of a JavaScript string. */
const LONGEST_CHARACTER = 3;

/**
 * HMAC-SHA256 (RFC 2104) of many short messages with one secret. Made of one-shot hashes, since
 * `createHmac` costs several times as much as both of them: it looks up its algorithm and creates
 * an object of OpenSSL each time. The hashed bytes are assembled in two buffers that are kept: a
 * buffer for each message costs as much as a hash.
 */
export class HmacSha256 {
  /** The block that begins the inner hash, and space for the message. */
  readonly #inner: Buffer;
  /** The block that begins the outer hash, and space for the digest of the inner one. */
  readonly #outer: Buffer;

  /** @param secret at most 64 bytes */
  constructor(secret: Uint8Array) {
    if (secret.length > BLOCK_BYTES) throw new RangeError(`a secret has at most ${BLOCK_BYTES} bytes`);
    this.#inner = startedWith(secret, INNER, KEPT_BYTES);
    this.#outer = startedWith(secret, OUTER, DIGEST_BYTES);
  }

  /** The signature `v1,…` of `prefix` and then the body. */
  sign(prefix: string, body: Body): Signature {
    // A digest as text, since creating a buffer costs more than the hash.
    this.#outer.write(hash('sha256', this.#message(prefix, body), 'binary'), BLOCK_BYTES, 'latin1');
    return `v1,${hash('sha256', this.#outer, 'base64')}`;
  }

  /** The inner block and the message, valid until the next call. */
  #message(prefix: string, body: Body): Buffer {
    const isText = typeof body === 'string';
    const text = isText ? prefix + body : prefix;
    const bytes = isText ? 0 : body.length;
    if (LONGEST_CHARACTER * text.length + bytes > KEPT_BYTES)
      return contentOf(prefix, body, this.#inner.subarray(0, BLOCK_BYTES));
    const end = BLOCK_BYTES + this.#inner.write(text, BLOCK_BYTES);
    if (!isText) this.#inner.set(body, end);
    return this.#inner.subarray(0, end + bytes);
  }
}

/** The secret, padded to a block and combined with `value`, and space behind it. */
function startedWith(secret: Uint8Array, value: number, space: number): Buffer {
  // Not of the pool that buffers of other code share.
  const bytes = Buffer.alloc(BLOCK_BYTES + space);
  bytes.fill(value, 0, BLOCK_BYTES);
  for (const [at, byte] of secret.entries()) bytes[at] = byte ^ value;
  return bytes;
}
