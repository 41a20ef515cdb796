import { exportJWK, generateKeyPair, importJWK, type JWK } from 'jose';
import { expect, it } from 'vitest';
import { readKeySet } from '../../src/oidc/key-set.ts';

const published = async (): Promise<JWK> =>
  exportJWK((await generateKeyPair('ES256', { extractable: true })).publicKey);

it.each(['kid', 'use', 'key_ops', 'alg'])(
  'a key of a JWKS whose %s is null is used: it is as if absent',
  async (name) => {
    const keys = await readKeySet({ keys: [{ ...(await published()), [name]: null }] }, importJWK);
    expect(keys).toMatchObject([{ kid: undefined, jwk: { kty: 'EC', crv: 'P-256' } }]);
    expect(keys[0]?.jwk).not.toHaveProperty('alg');
  },
);
