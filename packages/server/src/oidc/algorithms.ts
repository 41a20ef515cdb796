import type { JWK } from 'jose';

/**
 * The accepted signatures, with the kind of their keys. All are asymmetric: with HS256, the public
 * key of an issuer could serve as the secret.
 */
const KEYS = {
  RS256: 'RSA',
  RS384: 'RSA',
  RS512: 'RSA',
  PS256: 'RSA',
  PS384: 'RSA',
  PS512: 'RSA',
  ES256: 'P-256',
  ES384: 'P-384',
  ES512: 'P-521',
  EdDSA: 'Ed25519',
  Ed25519: 'Ed25519',
} as const;

export const ALGORITHMS: readonly string[] = Object.keys(KEYS);

export const isAlgorithm = (value: unknown): value is keyof typeof KEYS =>
  typeof value === 'string' && Object.hasOwn(KEYS, value);

/** Whether a key can have made a signature of this kind. */
export function fitsKey(algorithm: string, { kty, crv, alg }: JWK): boolean {
  if (!isAlgorithm(algorithm) || (alg !== undefined && !isSame(alg, algorithm))) return false;
  return KEYS[algorithm] === (kty === 'RSA' ? 'RSA' : crv);
}

/** Two names of one algorithm. */
const isSame = (a: string, b: string): boolean => a === b || (a.startsWith('Ed') && b.startsWith('Ed'));
