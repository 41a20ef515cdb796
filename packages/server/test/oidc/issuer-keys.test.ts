import type { ServerResponse } from 'node:http';
import { HoldfastError } from '@holdfast/protocol';
import { configWith } from '@holdfast/server';
import * as jose from 'jose';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { IssuerKeys, type IssuerKeysOptions } from '../../src/oidc/issuer-keys.ts';
import { JwtAuthenticator } from '../../src/oidc/jwt-authenticator.ts';
import { oidcSettingsOf } from '../../src/oidc/oidc-settings.ts';
import { JwtVerifier } from '../../src/oidc/verify-jwt.ts';
import { bearer } from '../access/support.ts';
import { AUDIENCE, Lines, TestIssuer } from './support.ts';

let issuer: TestIssuer;
let log: Lines;
let keys: IssuerKeys;
let authenticator: JwtAuthenticator;
/** Number of verifications. */
let verified: number;

/** Starts to fetch the keys of the issuer, and to authenticate by them. */
async function start(times: IssuerKeysOptions['times'] = {}): Promise<void> {
  log = new Lines();
  verified = 0;
  const settings = oidcSettingsOf(configWith({ auth: true, oidcIssuer: issuer.url, oidcAudience: AUDIENCE }));
  if (settings === undefined) throw new Error('OIDC is not configured');
  const importKey: IssuerKeysOptions['importKey'] = (jwk, algorithm) => jose.importJWK(jwk, algorithm);
  keys = new IssuerKeys({ ...settings, ca: () => undefined, importKey, log, times });
  await keys.start();
  const verifier = new JwtVerifier(jose, settings, keys);
  authenticator = new JwtAuthenticator({
    verifier: {
      verify: (text) => {
        verified++;
        return verifier.verify(text);
      },
    },
    keys,
    logins: {
      reject: (_, message) => Promise.reject(new HoldfastError('unauthenticated', message)),
      mayCheck: () => true,
      rejectUnchecked: () => Promise.reject(new HoldfastError('too_many_requests', 'not checked')),
    },
    next: { authenticate: () => ({ id: 'next', roles: [] }) },
  });
}

beforeEach(async () => {
  issuer = await TestIssuer.start();
});
afterEach(async () => {
  keys.stop();
  await issuer[Symbol.asyncDispose]();
});

/** `accepted`, or the code of the error. */
const verdictOf = async (token: string): Promise<string> => {
  try {
    await authenticator.authenticate(bearer(token));
    return 'accepted';
  } catch (error) {
    return HoldfastError.from(error).code;
  }
};
const WARNING = 'the keys of the OIDC issuer cannot be fetched';

describe('rotation', () => {
  it('a key that is added is fetched when the first JWT names it, once for many requests', async () => {
    await start();
    await issuer.addKey('next', 'ES256');
    const tokens = await Promise.all(
      [1, 2, 3, 4, 5].map((n) => issuer.sign({ kid: 'next', claims: { sub: `s${n}` } })),
    );
    expect(await Promise.all(tokens.map(verdictOf))).toEqual(tokens.map(() => 'accepted'));
    expect(issuer.fetches).toBe(2);
  });

  it('a key that is withdrawn ends what is remembered', async () => {
    await start();
    const [old, other] = [await issuer.sign(), await issuer.sign({ claims: { sub: 'bob' } })];
    expect([await verdictOf(old), await verdictOf(other)]).toEqual(['accepted', 'accepted']);
    await issuer.addKey('next');
    issuer.published.delete('first');
    expect(await verdictOf(old)).toBe('accepted');
    expect(await verdictOf(await issuer.sign({ kid: 'next' }))).toBe('accepted');
    expect([await verdictOf(old), await verdictOf(other)]).toEqual(['unauthenticated', 'unauthenticated']);
  });

  it('another key under the same kid is another key', async () => {
    await start();
    const old = await issuer.sign();
    expect(await verdictOf(old)).toBe('accepted');
    await issuer.addKey('first');
    await issuer.addKey('second');
    expect(await verdictOf(await issuer.sign({ kid: 'second' }))).toBe('accepted');
    expect(await verdictOf(old)).toBe('unauthenticated');
    expect(await verdictOf(await issuer.sign())).toBe('accepted');
  });

  it('a key that replaces another one under its kid is fetched when a signature does not match, once', async () => {
    await start();
    const old = await issuer.sign();
    expect(await verdictOf(old)).toBe('accepted');
    await issuer.addKey('first');
    const tokens = await Promise.all([1, 2, 3].map((n) => issuer.sign({ claims: { sub: `s${n}` } })));
    expect(await Promise.all(tokens.map(verdictOf))).toEqual(tokens.map(() => 'accepted'));
    expect(await verdictOf(old)).toBe('unauthenticated');
    expect(issuer.fetches).toBe(2);
  });

  it('of the only key is found by a JWT without kid', async () => {
    await start();
    await issuer.addKey('next');
    issuer.published.delete('first');
    expect(await verdictOf(await issuer.sign({ kid: 'next', header: { kid: undefined } }))).toBe('accepted');
    expect(issuer.fetches).toBe(2);
  });

  it('is found by the timer as well', async () => {
    await start({ refreshMs: 20, unknownMs: 1e9 });
    const old = await issuer.sign();
    expect(await verdictOf(old)).toBe('accepted');
    await issuer.addKey('next');
    issuer.published.delete('first');
    await vi.waitUntil(async () => (await verdictOf(old)) === 'unauthenticated', { timeout: 10_000 });
    expect(await verdictOf(await issuer.sign({ kid: 'next' }))).toBe('accepted');
    const { fetches } = issuer;
    await vi.waitUntil(() => issuer.fetches > fetches + 2, { timeout: 10_000 });
  });

  it('keys without kid are used by JWTs without kid, if one key fits', async () => {
    const { jwk } = issuer.keyOf('first');
    delete jwk.kid;
    await start();
    expect(await verdictOf(await issuer.sign({ header: { kid: undefined } }))).toBe('accepted');
    expect(await verdictOf(await issuer.sign())).toBe('unauthenticated');
  });
});

describe('a flood', () => {
  it('of unknown keys causes one fetch, and delays no other caller', async () => {
    await start();
    const valid = await issuer.sign();
    expect(await verdictOf(valid)).toBe('accepted');
    const flood = await Promise.all(
      Array.from({ length: 300 }, (_, n) => issuer.sign({ header: { kid: `k${n}` }, claims: { sub: `s${n}` } })),
    );
    issuer.respond = () => true; // Never responds.
    const floods = Promise.all(flood.slice(0, 150).map(verdictOf));
    const begunMs = performance.now();
    expect(await verdictOf(valid)).toBe('accepted');
    expect(await verdictOf(await issuer.sign({ claims: { sub: 'carol' } }))).toBe('accepted');
    expect(performance.now() - begunMs).toBeLessThan(1_500);
    // The request of the fetch has arrived, and does not get a response later.
    await vi.waitUntil(() => issuer.requests.length === 3, { timeout: 10_000 });
    issuer.respond = undefined;
    expect(new Set(await floods)).toEqual(new Set(['unavailable']));
    expect(issuer.requests).toHaveLength(3);
    expect(new Set(await Promise.all(flood.slice(150).map(verdictOf)))).toEqual(new Set(['unavailable']));
    expect(issuer.requests).toHaveLength(3);
  });

  it('of keys that are not published is rejected after one fetch', async () => {
    await start();
    for (let n = 0; n < 200; n++)
      expect(await verdictOf(await issuer.sign({ header: { kid: `k${n}` } }))).toBe('unauthenticated');
    expect(issuer.fetches).toBe(2);
  });

  it('of signatures that do not match is rejected after one fetch', async () => {
    await start();
    await issuer.addKey('other');
    issuer.published.delete('other');
    for (let n = 0; n < 50; n++)
      expect(
        await verdictOf(await issuer.sign({ kid: 'other', header: { kid: 'first' }, claims: { sub: `s${n}` } })),
      ).toBe('unauthenticated');
    expect(await verdictOf(await issuer.sign())).toBe('accepted');
    expect(issuer.fetches).toBe(2);
  });

  it('of JWTs of other issuers, or expired ones, causes no fetch', async () => {
    await start();
    for (let n = 0; n < 20; n++) {
      const header = { kid: `k${n}` };
      await verdictOf(await issuer.sign({ header, claims: { iss: 'https://other.example' } }));
      await verdictOf(await issuer.sign({ header, claims: { exp: 1 } }));
      await verdictOf(await issuer.sign({ header: { ...header, typ: 'logout+jwt' } }));
    }
    expect(issuer.fetches).toBe(1);
  });
});

describe('a JWT', () => {
  it('is verified once, also if its first requests arrive together', async () => {
    await start();
    const token = await issuer.sign();
    const principals = await Promise.all(
      Array.from({ length: 50 }, async () => authenticator.authenticate(bearer(token))),
    );
    expect(new Set(principals).size).toBe(1);
    const again = authenticator.authenticate(bearer(token));
    expect(again).not.toBeInstanceOf(Promise);
    expect(verified).toBe(1);
  });

  it('is not accepted any more when it has expired', async () => {
    await start();
    const token = await issuer.sign({ claims: { exp: Math.floor(Date.now() / 1_000) - 8 } });
    expect(await verdictOf(token)).toBe('accepted');
    await vi.waitUntil(async () => (await verdictOf(token)) === 'unauthenticated', { timeout: 10_000 });
  });

  it('that differs in one character is another one', async () => {
    await start();
    const token = await issuer.sign();
    expect(await verdictOf(token)).toBe('accepted');
    expect(await verdictOf(`${token}A`)).toBe('unauthenticated');
    expect(await verdictOf(token.replace('.', '.A'))).toBe('unauthenticated');
  });

  it('is left to the JWTs only if it has a dot', async () => {
    await start();
    for (const authorization of [undefined, 'Bearer hf_x', 'Basic YS5iLmM6', 'Bearer', 'Bearer a.b.c d', 'Token a.b.c'])
      expect(authenticator.authenticate({ authorization })).toEqual({ id: 'next', roles: [] });
  });
});

const send =
  (body: string | Buffer, status = 200) =>
  (response: ServerResponse): void => {
    response.statusCode = status;
    response.end(body);
  };
const jwks = (...list: unknown[]) => send(JSON.stringify({ keys: list }));
const rsa = { kty: 'RSA', e: 'AQAB', kid: 'first' };

describe.each<[string, (response: ServerResponse) => void, string]>([
  ['closes the connection', (response) => response.destroy(), 'the connection failed (ECONNRESET)'],
  ['does not respond', () => undefined, 'no complete response arrived in time'],
  ['sends half a response', (response) => void response.write('{"keys":'), 'no complete response arrived in time'],
  ['has no such document', send('', 404), 'status 404'],
  ['has an internal error', send('secret-of-the-issuer', 500), 'status 500'],
  [
    'redirects',
    (response) => {
      response.writeHead(302, { location: `${issuer.url}/elsewhere` });
      response.end();
    },
    'redirects are not followed (status 302)',
  ],
  ['sends 300 KB', send(JSON.stringify({ keys: [], more: 'x'.repeat(300_000) })), 'longer than 262144 bytes'],
  ['sends garbage', send('<html>secret-of-the-issuer</html>'), 'not JSON'],
  ['sends compressed bytes', send(Buffer.from('1f8b0800', 'hex')), 'not JSON'],
  ['sends a list', send('[]'), 'not a JWKS'],
  ['sends null', send('null'), 'not a JWKS'],
  ['sends keys that are no list', send('{"keys":{}}'), 'not a JWKS'],
  ['sends no key', jwks(), 'no usable key'],
  ['sends keys that are not objects', jwks(1, null, [], 'x'), 'no usable key'],
  ['sends a secret', jwks({ kty: 'oct', k: 'AAAA', kid: 'first', alg: 'HS256' }), 'no usable key'],
  ['sends an RSA key that is damaged', jwks({ ...rsa, n: '!' }, { ...rsa, n: 1 }, rsa), 'no usable key'],
  [
    'sends an RSA key of 1,024 bits',
    jwks({ ...rsa, n: Buffer.alloc(128, 0xc1).toString('base64url') }),
    'no usable key',
  ],
  [
    'sends an RSA key of 16,384 bits',
    jwks({ ...rsa, n: Buffer.alloc(2_048, 0xc1).toString('base64url') }),
    'no usable key',
  ],
  [
    'sends a key for encryption',
    (response) => jwks({ ...issuer.keyOf('first').jwk, use: 'enc' })(response),
    'no usable key',
  ],
  [
    'sends a key with another algorithm',
    (response) => jwks({ ...issuer.keyOf('first').jwk, alg: 'RSA-OAEP' })(response),
    'no usable key',
  ],
  [
    'sends a kid that is not a text',
    (response) => jwks({ ...issuer.keyOf('first').jwk, kid: { a: 1 } })(response),
    'no usable key',
  ],
  [
    'sends 101 keys',
    (response) => jwks(...Array.from({ length: 101 }, () => issuer.keyOf('first').jwk))(response),
    'more than 100 keys',
  ],
])('an issuer that %s', (_, respond, reason) => {
  // Long enough for a machine that is busy, unless the time itself is the fault.
  const fetchMs = reason.includes('in time') ? 2_000 : 20_000;
  const broken = (): void => {
    issuer.respond = ({ url = '' }, response) => {
      if (!url.endsWith('/certs')) return false;
      respond(response);
      return true;
    };
  };

  it('is reported once, and its previous keys stay in use', async () => {
    await start({ refreshMs: 10, repeatMs: 10, fetchMs });
    broken();
    const { fetches } = issuer;
    await vi.waitUntil(() => issuer.fetches > fetches + 1 && log.with(WARNING).length > 0, { timeout: 20_000 });
    expect(await verdictOf(await issuer.sign())).toBe('accepted');
    const warnings = log.with(WARNING);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain(reason);
    expect(warnings[0]).toContain('the previous keys stay in use');
    expect(log.all.join()).not.toContain('secret-of-the-issuer');
    expect(issuer.requests.join()).not.toContain('elsewhere');
    issuer.respond = undefined;
    await issuer.addKey('next');
    const token = await issuer.sign({ kid: 'next' });
    await vi.waitUntil(async () => (await verdictOf(token)) === 'accepted', { timeout: 20_000 });
  });

  it('does not keep the coordinator from starting; JWTs are unavailable until it responds', async () => {
    broken();
    await start({ repeatMs: 50, fetchMs, unknownMs: 1e9 });
    const token = await issuer.sign();
    expect(await verdictOf(token)).toBe('unavailable');
    expect(log.with(WARNING)[0]).toContain(reason);
    expect(log.with('the coordinator starts without the keys')).toHaveLength(1);
    issuer.respond = undefined;
    await vi.waitUntil(async () => (await verdictOf(token)) === 'accepted', { timeout: 20_000 });
    expect(log.with('the keys of the OIDC issuer are in use')).toHaveLength(1);
  });
});

describe('a request', () => {
  it('waits for slow keys for a bounded time', async () => {
    await start({ waitMs: 100 });
    issuer.respond = () => true;
    const begunMs = performance.now();
    expect(await verdictOf(await issuer.sign({ header: { kid: 'unknown' } }))).toBe('unavailable');
    expect(performance.now() - begunMs).toBeLessThan(1_500);
  });

  it('with a known key is verified while more than 1,000 others wait for keys', async () => {
    await start();
    const valid = await issuer.sign();
    issuer.respond = () => true; // Never responds.
    const [, claims, signature] = (await issuer.sign()).split('.');
    const flood = Array.from({ length: 1_500 }, (_, n) => {
      const header = Buffer.from(JSON.stringify({ alg: 'RS256', kid: `k${n}` })).toString('base64url');
      return verdictOf(`${header}.${claims}.${signature}`);
    });
    await vi.waitUntil(() => issuer.requests.length > 2, { timeout: 10_000 });
    expect(await verdictOf(valid)).toBe('accepted');
    expect(new Set(await Promise.all(flood))).toContain('unavailable');
  });

  it('waits no longer than its deadline', async () => {
    await start({ waitMs: 10_000 });
    issuer.respond = () => true;
    const begunMs = performance.now();
    const credentials = { ...bearer(await issuer.sign({ header: { kid: 'unknown' } })), deadlineMs: begunMs + 200 };
    await expect(authenticator.authenticate(credentials)).rejects.toMatchObject({ code: 'deadline_exceeded' });
    expect(performance.now() - begunMs).toBeLessThan(3_000);
  });

  it('is served by keys beside which others are not usable, without their private parts', async () => {
    const { jwk, privateKey } = issuer.keyOf('first');
    Object.assign(jwk, await jose.exportJWK(privateKey));
    issuer.respond = ({ url = '' }, response) => {
      if (!url.endsWith('/certs')) return false;
      jwks(
        { kty: 'oct', k: 'AAAA' },
        { kty: 'EC', crv: 'secp256k1', x: 'AA', y: 'AA' },
        null,
        { ...rsa, n: '!' },
        jwk,
      )(response);
      return true;
    };
    await start();
    expect(await verdictOf(await issuer.sign())).toBe('accepted');
  });
});

describe.each<[string, object, string]>([
  ['another issuer', { issuer: 'https://other.example' }, 'states another issuer'],
  ['the issuer with a slash more', { issuer: 'https://localhost/' }, 'states another issuer'],
  ['no issuer', { issuer: undefined }, 'states another issuer'],
  ['no keys', { jwks_uri: undefined }, 'jwks_uri'],
  ['keys that are not a URL', { jwks_uri: '/certs' }, 'jwks_uri'],
  ['keys in a file', { jwks_uri: 'file:///etc/passwd' }, 'jwks_uri'],
  ['keys over http', { jwks_uri: 'http://192.0.2.1/certs' }, 'jwks_uri'],
  ['keys behind a password', { jwks_uri: 'https://a:b@localhost/certs' }, 'jwks_uri'],
])('a discovery document with %s', (_, discovery, reason) => {
  it('is not used', async () => {
    issuer.discovery = discovery;
    await start();
    expect(log.with(WARNING)[0]).toContain(reason);
    expect(issuer.fetches).toBe(0);
    expect(await verdictOf(await issuer.sign())).toBe('unavailable');
  });
});
