import { hash } from 'node:crypto';
import { type Body, contentOf, type Signature } from './signature.ts';

/** Bytes that SHA-256 processes at a time; a secret is at most as long. */
const BLOCK_BYTES = 64;
const [INNER, OUTER] = [0x36, 0x5c];

/**
 * HMAC-SHA256 (RFC 2104) of many short messages with one secret. Made of one-shot hashes, since
 * `createHmac` costs several times as much as both of them: it looks up its algorithm and creates
 * an object of OpenSSL each time.
 */
export class HmacSha256 {
  readonly #inner: Buffer;
  readonly #outer: Buffer;

  /** @param secret at most 64 bytes */
  constructor(secret: Uint8Array) {
    if (secret.length > BLOCK_BYTES) throw new RangeError(`a secret has at most ${BLOCK_BYTES} bytes`);
    this.#inner = paddedWith(secret, INNER);
    this.#outer = paddedWith(secret, OUTER);
  }

  /** The signature `v1,…` of `prefix` and then the body. */
  sign(prefix: string, body: Body): Signature {
    const inner = hash('sha256', contentOf(prefix, body, this.#inner), 'buffer');
    return `v1,${hash('sha256', Buffer.concat([this.#outer, inner]), 'base64')}`;
  }
}

function paddedWith(secret: Uint8Array, value: number): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES, value);
  for (const [at, byte] of secret.entries()) block[at] = byte ^ value;
  return block;
}
