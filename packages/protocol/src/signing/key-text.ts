/** A key is malformed. The message contains no part of the key. */
export class SigningKeyError extends Error {
  override readonly name = 'SigningKeyError';
}

const BASE64 = /^[A-Za-z0-9+/_-]+={0,2}$/;

/** Bytes of a text in base64 or base64url. Throws `SigningKeyError`. */
export function bytesOfBase64(text: string): Buffer {
  if (!BASE64.test(text)) throw new SigningKeyError('is not base64 after its prefix');
  return Buffer.from(text, 'base64');
}
