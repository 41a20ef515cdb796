import type { CryptoKey, JWK } from 'jose';
import { FetchFault } from './fetch-json.ts';
import { fitsKey, isAlgorithm } from './algorithms.ts';

/** A key with which an issuer signs. */
export interface IssuerKey {
  /** Equal for equal keys. */
  readonly id: string;
  readonly kid: string | undefined;
  readonly jwk: JWK;
}

/** The keys that an issuer publishes, of which at least one is usable. */
export type KeySet = readonly IssuerKey[];

/** Imports a key; rejects if it is not one. */
export type ImportKey = (jwk: JWK, algorithm: string) => Promise<CryptoKey | Uint8Array>;

const MOST_KEYS = 100;
const LONGEST_KID = 1_024;
/** A verification with a key of 8,192 bits takes some tenths of a millisecond. */
const RSA_BITS = { least: 2_048, most: 8_192 } as const;

/**
 * Reads a JWKS. Keys for other uses, of unknown kinds, too short or damaged are left out. Throws
 * `FetchFault` if it is not a JWKS, or no key is left: a set without keys would reject every JWT.
 */
export async function readKeySet(document: unknown, importKey: ImportKey): Promise<KeySet> {
  const found = isObject(document) ? document['keys'] : undefined;
  if (!Array.isArray(found)) throw new FetchFault('the response is not a JWKS: it has no list "keys"');
  if (found.length > MOST_KEYS) throw new FetchFault(`the JWKS has more than ${MOST_KEYS} keys`);
  const keys: IssuerKey[] = [];
  for (const value of found as readonly unknown[]) {
    const key = isObject(value) ? await keyOf(withoutNulls(value), importKey) : undefined;
    if (key !== undefined) keys.push(key);
  }
  if (keys.length === 0) throw new FetchFault('the JWKS has no usable key for signatures (RSA, EC or Ed25519)');
  return keys;
}

/** Some issuers write `null` for a member that a key does not have. */
const withoutNulls = (key: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(key).filter(([, value]) => value !== null));

async function keyOf(value: Record<string, unknown>, importKey: ImportKey): Promise<IssuerKey | undefined> {
  const { kid, use, key_ops: operations, alg } = value;
  if (kid !== undefined && (typeof kid !== 'string' || kid.length > LONGEST_KID)) return undefined;
  if (use !== undefined && use !== 'sig') return undefined;
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes('verify'))) return undefined;
  if (alg !== undefined && !isAlgorithm(alg)) return undefined;
  const jwk = publicPartOf(value);
  const algorithm = alg ?? (jwk === undefined ? undefined : ANY_ALGORITHM[`${jwk.kty} ${jwk.crv ?? ''}`.trim()]);
  if (jwk === undefined || algorithm === undefined || !fitsKey(algorithm, jwk)) return undefined;
  try {
    const key = await importKey(jwk, algorithm);
    if (key instanceof Uint8Array || key.type !== 'public') return undefined;
    const bits = (key.algorithm as { readonly modulusLength?: number }).modulusLength;
    if (bits !== undefined && (bits < RSA_BITS.least || bits > RSA_BITS.most)) return undefined;
  } catch {
    return undefined;
  }
  return { id: JSON.stringify(jwk), kid, jwk };
}

/** An algorithm with which a key can be imported. */
const ANY_ALGORITHM: Readonly<Record<string, string>> = {
  RSA: 'RS256',
  'EC P-256': 'ES256',
  'EC P-384': 'ES384',
  'EC P-521': 'ES512',
  'OKP Ed25519': 'EdDSA',
};

const LONGEST_MEMBER = 2_048;
/** The time of a verification grows with the exponent; it is 65,537 in practice. */
const LONGEST_EXPONENT = 12;

/** The members that matter for verification, of which no private key is part. */
function publicPartOf(value: Record<string, unknown>): JWK | undefined {
  const { kty, alg } = value;
  const names = kty === 'RSA' ? ['n', 'e'] : kty === 'EC' ? ['crv', 'x', 'y'] : kty === 'OKP' ? ['crv', 'x'] : [];
  if (names.length === 0) return undefined;
  const jwk: Record<string, unknown> = { kty, ...(alg !== undefined && { alg }) };
  for (const name of names) {
    const member = value[name];
    if (typeof member !== 'string' || member.length > (name === 'e' ? LONGEST_EXPONENT : LONGEST_MEMBER))
      return undefined;
    jwk[name] = member;
  }
  return jwk;
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
