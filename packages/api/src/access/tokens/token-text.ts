import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/**
 * The text of an API token: `hf_ID_SECRET`. The secret has 280 random bits and ends with a checksum
 * of the whole text, so that a mistyped token is recognised without the store. No character
 * needs escaping in a URL's user information, a header or a file name.
 */
export interface TokenText {
  readonly id: string;
  /** SHA-256 of the whole text. */
  readonly hash: Buffer;
}

const DIGITS = '0123456789abcdefghjkmnpqrstvwxyz';
const ID_BYTES = 10;
const SECRET_BYTES = 35;
const CHECKSUM_LENGTH = 8;
const FORM = /^hf_([0-9a-z]{4,16})_([0-9a-z]{56})([0-9a-z]{8})$/;
/** The beginning of every token. */
export const TOKEN_PREFIX = 'hf_';

/** A new ID of a token. */
export const newTokenId = (): string => encoded(randomBytes(ID_BYTES));

/** The text of a token with a new secret. */
export function newTokenText(id: string): string {
  const unchecked = `${TOKEN_PREFIX}${id}_${encoded(randomBytes(SECRET_BYTES))}`;
  return unchecked + checksumOf(unchecked);
}

/** Parses a text. Undefined: it is not a token, perhaps a mistyped one. */
export function parseTokenText(text: string): TokenText | undefined {
  const [, id] = FORM.exec(text) ?? [];
  if (id === undefined) return undefined;
  const end = text.length - CHECKSUM_LENGTH;
  if (checksumOf(text.slice(0, end)) !== text.slice(end)) return undefined;
  return { id, hash: createHash('sha256').update(text).digest() };
}

/** Whether a hash is the stored one, in constant time. */
export function isSameHash(hash: Buffer, stored: string): boolean {
  const expected = Buffer.from(stored, 'hex');
  return expected.length === hash.length && timingSafeEqual(expected, hash);
}

const checksumOf = (text: string): string => encoded(createHash('sha256').update(text).digest().subarray(0, 5));

/** Five bytes as eight characters. */
function encoded(bytes: Buffer): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 5) {
    const high = bytes.readUIntBE(at, 5);
    for (let shift = 35; shift >= 0; shift -= 5) text += DIGITS.charAt(Math.floor(high / 2 ** shift) % 32);
  }
  return text;
}
