import { randomBytes } from 'node:crypto';
import { textOfThrown } from '@holdfast/protocol';
import {
  CallSigner,
  MAX_SIGNING_KEYS,
  parseSigningKeys,
  type SigningKey,
  SigningKeyError,
} from '@holdfast/protocol/signing';

/**
 * Keys that sign calls: `whsec_…`, `whsk_…` or a private ed25519 key as PEM. All of them sign, in
 * this order. A function is called for each request, so that keys can change without a restart; if
 * it throws or returns a malformed key, the previous keys stay in use and the process is warned.
 */
export type SigningKeys = readonly string[] | (() => readonly string[]);

/**
 * A signer with keys that an application holds.
 *
 * @param where begins the error's message, such as `connect(): signingKeys`
 * @throws {TypeError} there is no key, or one is malformed; the message contains no part of it
 */
export function signerOfTexts(keys: SigningKeys, where: string): CallSigner {
  const isFixed = typeof keys !== 'function';
  let texts: readonly string[] = [];
  let parsed: readonly SigningKey[] = [];
  const take = (now: readonly string[]): void => {
    if (now.length > 0 && now.length === texts.length && now.every((text, index) => text === texts[index])) return;
    parsed = parsedKeys(now, where);
    texts = [...now];
  };
  const nonces = randomBytes(12).toString('base64url');
  take(isFixed ? keys : keys());
  if (isFixed) return new CallSigner(() => parsed, nonces, Date.now);
  let hasWarned = false;
  const refresh = (): readonly SigningKey[] => {
    try {
      take(keys());
      hasWarned = false;
    } catch (error) {
      if (!hasWarned) process.emitWarning(`${where}: ${textOfThrown(error)}; the previous keys stay in use`);
      hasWarned = true;
    }
    return parsed;
  };
  return new CallSigner(refresh, nonces, Date.now);
}

function parsedKeys(texts: readonly string[], where: string): readonly SigningKey[] {
  if (!Array.isArray(texts) || texts.length === 0) throw new TypeError(`${where} must have at least one key`);
  const keys = texts.flatMap((text: unknown, index) => {
    if (typeof text !== 'string') throw new TypeError(`${where}[${index}] must be a text`);
    try {
      return parseSigningKeys(text);
    } catch (error) {
      if (error instanceof SigningKeyError)
        throw new TypeError(`${where}[${index}] ${error.message}`, { cause: error });
      throw error;
    }
  });
  if (keys.length > MAX_SIGNING_KEYS) throw new TypeError(`${where} must have at most ${MAX_SIGNING_KEYS} keys`);
  return keys;
}
