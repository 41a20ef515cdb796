import { createHmac, randomBytes } from 'node:crypto';
import { HoldfastError, type Principal } from '@holdfast/protocol';
import { configWith, type ServerConfig } from '@holdfast/server';
import { exportSPKI, importJWK, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { JwtAuthenticator } from '../../src/oidc/jwt-authenticator.ts';
import { type Oidc, prepareOidc } from '../../src/oidc/start-oidc.ts';
import { WatchedFiles } from '../../src/secrets/watched-files.ts';
import { bearer } from '../access/support.ts';
import { AUDIENCE, type JwtChanges, Lines, TestIssuer } from './support.ts';

const nowS = (): number => Math.floor(Date.now() / 1_000);
const base64url = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
/** To convert it to a number or a text throws. */
const UNCONVERTIBLE = { toString: 1, valueOf: 1 };
const EVERYWHERE = { resource_access: { holdfast: { namespaces: ['*'] } } };

let issuer: TestIssuer;
let oidc: Oidc;
let authenticator: JwtAuthenticator;
/** The reasons of failed logins. */
const reasons: string[] = [];

async function start(values: Partial<ServerConfig> = {}): Promise<void> {
  const config = configWith({ auth: true, oidcIssuer: issuer.url, oidcAudience: AUDIENCE, ...values });
  const log = new Lines();
  const prepared = await prepareOidc(config, { files: new WatchedFiles({ log }), log });
  if (prepared === undefined) throw new Error('OIDC is not configured');
  oidc = prepared;
  await oidc.keys.start();
  authenticator = new JwtAuthenticator({
    ...oidc,
    logins: {
      reject: (reason, message) => {
        reasons.push(reason);
        return Promise.reject(new HoldfastError('unauthenticated', message));
      },
      mayCheck: () => true,
      rejectUnchecked: () => Promise.reject(new HoldfastError('internal', 'every JWT is checked')),
    },
    next: { authenticate: () => ({ id: 'next', roles: [] }) },
  });
}

beforeAll(async () => {
  issuer = await TestIssuer.start(undefined, 'RS256');
  await issuer.addKey('RS512', 'RS512');
  await issuer.addKey('second', 'RS256');
  await issuer.addKey('secret', 'RS256');
  issuer.published.delete('secret');
  await start({ oidcNamespacesClaim: 'resource_access.holdfast.namespaces' });
});
afterAll(async () => {
  oidc.keys.stop();
  await issuer[Symbol.asyncDispose]();
});

const authenticate = async (token: string): Promise<Principal> => authenticator.authenticate(bearer(token));
const rejectionOf = async (token: string): Promise<HoldfastError> => {
  const error = await authenticate(token).then(
    ({ id }) => new Error(`accepted as ${id}`),
    (thrown: unknown) => thrown,
  );
  expect(error).toMatchObject({ code: 'unauthenticated' });
  return error as HoldfastError;
};
const sign = ({ claims, ...changes }: JwtChanges = {}): Promise<string> =>
  issuer.sign({ ...changes, claims: { ...EVERYWHERE, ...claims } });

describe('a JWT', () => {
  it.each<[string, JwtChanges]>([
    ['with the type at+jwt', { header: { typ: 'at+jwt' } }],
    [
      'with the type JWT, and the claim typ of Keycloak',
      { header: { typ: 'JWT' }, claims: { typ: 'Bearer', nonce: 'n' } },
    ],
    ['with several audiences', { claims: { aud: ['account', AUDIENCE] } }],
    ['that never expires', { claims: { exp: 253_402_300_799 } }],
    ['with roles as one text', { claims: { holdfast_roles: 'other submitter' } }],
  ])('is accepted %s', async (_, changes) => {
    expect(await authenticate(await sign(changes))).toMatchObject({ roles: ['submitter'] });
  });

  it('is rejected if its issuer has one more slash', async () => {
    const { message } = await rejectionOf(await sign({ claims: { iss: `${issuer.url}/` } }));
    expect(message).toContain('another issuer');
  });

  it('is accepted for a few seconds after it expired, for clocks that differ', async () => {
    expect(await authenticate(await sign({ claims: { exp: nowS() - 3 } }))).toMatchObject({ roles: ['submitter'] });
    expect(await authenticate(await sign({ claims: { nbf: nowS() + 8 } }))).toMatchObject({ roles: ['submitter'] });
  });

  it.each<[string, JwtChanges, string]>([
    ['that expired', { claims: { exp: nowS() - 60 } }, 'the JWT has expired'],
    ['that are not valid yet', { claims: { nbf: nowS() + 60 } }, 'is not valid yet'],
    ['without expiry', { claims: { exp: undefined } }, 'expiry (exp)'],
    ['with an expiry in milliseconds', { claims: { exp: (nowS() + 60) * 1_000 } }, '(exp); times are in seconds'],
    ['with an expiry in milliseconds that has passed', { claims: { exp: (nowS() - 60) * 1_000 } }, 'not in milli'],
    ['with an expiry that is beyond all times', { claims: { exp: 1e300 } }, 'after the year 9999 (exp)'],
    ['with nbf in milliseconds', { claims: { nbf: nowS() * 1_000 } }, 'after the year 9999 (nbf)'],
    ['with iat in milliseconds', { claims: { iat: nowS() * 1_000 } }, 'after the year 9999 (iat)'],
    ['with iat that is a text', { claims: { iat: 'now' } }, 'time of issue (iat)'],
    ['with an expiry that converts to nothing', { claims: { exp: UNCONVERTIBLE } }, 'expiry (exp)'],
    ['with nbf that converts to nothing', { claims: { nbf: [UNCONVERTIBLE] } }, '(nbf)'],
    ['with iat that converts to nothing', { claims: { iat: UNCONVERTIBLE } }, 'time of issue (iat)'],
    ['with an expiry that is a text', { claims: { exp: '2100-01-01' } }, 'expiry (exp)'],
    ['with nbf that is a text', { claims: { nbf: 'soon' } }, '(nbf)'],
    ['of another issuer', { claims: { iss: 'https://other.example' } }, 'another issuer'],
    ['without issuer', { claims: { iss: undefined } }, 'another issuer'],
    ['with a list of issuers', { claims: { iss: ['https://localhost'] } }, 'another issuer'],
    ['for another audience', { claims: { aud: 'holdfast2' } }, 'wrong audience'],
    ['for an audience in capitals', { claims: { aud: 'HOLDFAST' } }, 'wrong audience'],
    ['without audience', { claims: { aud: undefined } }, 'wrong audience'],
    ['with an audience that is an object', { claims: { aud: { holdfast: true } } }, 'wrong audience'],
    ['without subject', { claims: { sub: undefined } }, 'subject (sub)'],
    ['with an empty subject', { claims: { sub: '' } }, 'subject (sub)'],
    ['with a subject that is a number', { claims: { sub: 1 } }, '(sub)'],
    ['with a line break in the subject', { claims: { sub: 'alice\nadmin' } }, 'control characters'],
    ['with text that is written backwards', { claims: { sub: 'alice\u202enimda' } }, 'control characters'],
    ['with a long subject', { claims: { sub: 'a'.repeat(200) } }, 'at most 128 bytes'],
    ['with roles that are a number', { claims: { holdfast_roles: 1 } }, 'claim holdfast_roles'],
    ['with roles that are an object', { claims: { holdfast_roles: { admin: true } } }, 'claim holdfast_roles'],
    ['with roles within a list', { claims: { holdfast_roles: [['admin']] } }, 'claim holdfast_roles'],
    [
      'with namespaces that are numbers',
      { claims: { resource_access: { holdfast: { namespaces: [1] } } } },
      'namespaces',
    ],
    ['that are ID tokens', { claims: { nonce: 'n' } }, 'is an ID token'],
    ['that are ID tokens, by at_hash', { claims: { at_hash: 'x', typ: 'Bearer' } }, 'is an ID token'],
    ['that are ID tokens of Keycloak', { claims: { typ: 'ID' } }, 'not an access token'],
    ['that are refresh tokens of Keycloak', { claims: { typ: 'Refresh' } }, 'not an access token'],
    ['for a logout', { header: { typ: 'logout+jwt' } }, 'not an access token'],
    ['with a type that is a number', { header: { typ: 1 } }, 'not an access token'],
    ['that are bound to a key', { claims: { cnf: { jkt: 'x' } } }, 'bound to a key'],
    ['with a key that is not published', { kid: 'secret' }, 'does not publish'],
    ['without kid', { header: { kid: undefined } }, 'does not name its key'],
    ['with a kid that is a path', { header: { kid: '../../../../etc/passwd' } }, 'does not publish'],
    ['with a kid that is a URL', { header: { kid: 'https://evil.example/jwks.json' } }, 'does not publish'],
    ['with a kid that is a member of objects', { header: { kid: '__proto__' } }, 'does not publish'],
    ['with the kid of another key', { header: { kid: 'RS512' } }, 'does not publish'],
  ])('is rejected %s', async (_, changes, text) => {
    const token = await sign(changes);
    const { message } = await rejectionOf(token);
    expect(message).toContain(text);
    expect(message).not.toContain(token.split('.')[1]);
    expect(message).not.toContain('alice');
    expect(message).not.toContain(issuer.url);
  });

  /** Signs with the header of an attacker. */
  const forged = async (header: object, signatureOf: (text: string) => string): Promise<string> => {
    const [, payload = ''] = (await issuer.sign()).split('.');
    const text = `${base64url(header)}.${payload}`;
    return `${text}.${signatureOf(text)}`;
  };
  const pemOf = async (): Promise<string> =>
    exportSPKI((await importJWK(issuer.keyOf('first').jwk, 'RS256')) as Parameters<typeof exportSPKI>[0]);

  it.each<[string, () => Promise<string>, string]>([
    ['none', () => forged({ alg: 'none' }, () => ''), 'must be signed'],
    ['none with a kid', () => forged({ alg: 'none', kid: 'first' }, () => 'x'), 'must be signed'],
    ['NONE', () => forged({ alg: 'NoNe', kid: 'first' }, () => ''), 'must be signed'],
    [
      'HS256 with the public key as secret',
      async () => {
        const pem = await pemOf();
        return forged({ alg: 'HS256', kid: 'first' }, (text) =>
          createHmac('sha256', pem).update(text).digest('base64url'),
        );
      },
      'must be signed',
    ],
    [
      'RS256, and the HMAC of the public key',
      async () => {
        const pem = await pemOf();
        return forged({ alg: 'RS256', kid: 'first' }, (text) =>
          createHmac('sha256', pem).update(text).digest('base64url'),
        );
      },
      'signature that does not match',
    ],
    ['a list', () => forged({ alg: ['RS256'], kid: 'first' }, () => 'x'), 'must be signed'],
    ['toString', () => forged({ alg: 'toString', kid: 'first' }, () => 'x'), 'must be signed'],
    ['no algorithm', () => forged({ kid: 'first' }, () => 'x'), 'must be signed'],
    ['RS256 without signature', () => forged({ alg: 'RS256', kid: 'first' }, () => ''), ''],
    [
      'RS256 with another signature',
      () => forged({ alg: 'RS256', kid: 'first' }, () => randomBytes(256).toString('base64url')),
      'does not match',
    ],
    [
      'a key in its own header',
      async () => {
        const other = await issuer.addKey('evil', 'RS256');
        issuer.published.delete('evil');
        return new SignJWT({
          iss: issuer.url,
          aud: AUDIENCE,
          sub: 'eve',
          exp: nowS() + 60,
          holdfast_roles: ['admin'],
        })
          .setProtectedHeader({
            alg: 'RS256',
            kid: 'first',
            jwk: other.jwk,
            jku: `${issuer.url}/evil`,
            x5u: `${issuer.url}/evil`,
          })
          .sign(other.privateKey);
      },
      'does not match',
    ],
    [
      'changed claims',
      async () => {
        const [header, payload = '', signature] = (await issuer.sign()).split('.');
        const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as object;
        return [header, base64url({ ...claims, holdfast_roles: ['admin'] }), signature].join('.');
      },
      'does not match',
    ],
    [
      'critical extensions',
      () => forged({ alg: 'RS256', kid: 'first', crit: ['b64'], b64: false }, () => 'x'),
      'extensions',
    ],
    ['two parts', async () => (await issuer.sign()).split('.').slice(0, 2).join('.'), 'not well-formed'],
    ['four parts', async () => `${await issuer.sign()}.x`, 'not well-formed'],
    ['five parts', async () => `${await issuer.sign()}.x.y`, 'encrypted'],
    ['dots', () => Promise.resolve('..'), 'not well-formed'],
    ['no JSON', () => Promise.resolve('eyJ.eyJ.x'), 'not well-formed'],
    ['a list as header', () => Promise.resolve(`${base64url([])}.${base64url({})}.x`), 'not well-formed'],
    ['null as claims', () => Promise.resolve(`${base64url({ alg: 'RS256' })}.${base64url(null)}.x`), 'not well-formed'],
    [
      'deeply nested claims',
      () => Promise.resolve(`${base64url({ alg: 'RS256' })}.${Buffer.from('['.repeat(5_000)).toString('base64url')}.x`),
      'not well-formed',
    ],
  ])('is rejected with %s', async (_, create, text) => {
    expect((await rejectionOf(await create())).message).toContain(text);
    for (const path of issuer.requests) expect(path).not.toContain('evil');
  });
});
