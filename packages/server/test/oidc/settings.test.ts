import { HoldfastError } from '@holdfast/protocol';
import { ConfigError, configWith, type ServerConfig } from '@holdfast/server';
import { describe, expect, it } from 'vitest';
import { claimAt, grantOf, readClaimPath } from '../../src/oidc/claims.ts';
import { oidcSettingsOf } from '../../src/oidc/oidc-settings.ts';

const whole = { auth: true, oidcIssuer: 'https://idp.example', oidcAudience: 'holdfast' } as const;

describe('half a configuration of OIDC', () => {
  it.each<[Partial<ServerConfig>, string]>([
    [{ ...whole, auth: false }, '--oidc-issuer has no effect without --auth'],
    [{ ...whole, oidcAudience: '' }, '--oidc-issuer requires --oidc-audience'],
    [{ auth: true, oidcAudience: 'a' }, '--oidc-audience requires --oidc-issuer'],
    [{ auth: true, oidcJwksUrl: 'https://idp.example/jwks' }, '--oidc-jwks-url requires --oidc-issuer'],
    [{ oidcRolesClaim: 'roles' }, '--oidc-roles-claim requires --oidc-issuer'],
    [{ oidcRoles: ['a=admin'] }, '--oidc-roles requires --oidc-issuer'],
    [{ oidcNamespacesClaim: 'ns' }, '--oidc-namespaces-claim requires --oidc-issuer'],
    [{ oidcCaFile: '/ca.pem' }, '--oidc-ca-file requires --oidc-issuer'],
    [{ ...whole, oidcIssuer: 'idp.example' }, '--oidc-issuer must be an https:// URL'],
    [{ ...whole, oidcIssuer: 'http://idp.example' }, '--oidc-issuer must be an https:// URL'],
    [{ ...whole, oidcIssuer: 'http://127.0.0.1.evil.example' }, '--oidc-issuer must be an https:// URL'],
    [{ ...whole, oidcIssuer: 'https://user:secret@idp.example' }, '--oidc-issuer must be an https:// URL'],
    [{ ...whole, oidcIssuer: 'https://idp.example?x=1' }, '--oidc-issuer must be an https:// URL'],
    [{ ...whole, oidcIssuer: 'https://idp.example#x' }, '--oidc-issuer must be an https:// URL'],
    [{ ...whole, oidcJwksUrl: 'http://idp.example/jwks' }, '--oidc-jwks-url must be an https:// URL'],
    [{ ...whole, oidcJwksUrl: 'file:///etc/passwd' }, '--oidc-jwks-url must be an https:// URL'],
    [{ ...whole, oidcRolesClaim: '' }, '--oidc-roles-claim must be'],
    [{ ...whole, oidcRolesClaim: 'a..b' }, '--oidc-roles-claim must be'],
    [{ ...whole, oidcNamespacesClaim: '.a' }, '--oidc-namespaces-claim must be'],
    [{ ...whole, oidcRoles: ['payments'] }, '--oidc-roles must have entries VALUE=ROLE'],
    [{ ...whole, oidcRoles: ['payments=root'] }, '--oidc-roles must have entries VALUE=ROLE'],
    [{ ...whole, oidcRoles: ['=admin'] }, '--oidc-roles must have entries VALUE=ROLE'],
    [{ ...whole, oidcRoles: ['a=admin', 'a=viewer'] }, '--oidc-roles has two entries for "a"'],
  ])('%o is rejected', (values, text) => {
    const thrown = (() => {
      try {
        configWith(values);
      } catch (error) {
        return error as Error;
      }
      return new Error('accepted');
    })();
    expect(thrown).toBeInstanceOf(ConfigError);
    expect(thrown.message).toContain(text);
    expect(thrown.message).not.toContain('secret');
  });

  it.each(['https://idp.example', 'https://idp.example/', 'http://localhost:8080/realms/a', 'http://[::1]:1'])(
    '%s is a whole one, with an audience and --auth',
    (oidcIssuer) => {
      expect(oidcSettingsOf(configWith({ ...whole, oidcIssuer }))).toMatchObject({ issuer: oidcIssuer });
    },
  );

  it('none is none', () => expect(oidcSettingsOf(configWith({ auth: true }))).toBeUndefined());
});

const grant = (claims: Record<string, unknown>, values: Partial<ServerConfig> = {}) => {
  const settings = oidcSettingsOf(configWith({ ...whole, ...values }));
  if (settings === undefined) throw new HoldfastError('internal', 'no settings');
  return grantOf(claims, settings.claims);
};

describe('roles', () => {
  it('are the values of the claim, the unknown ones apart', () => {
    expect(grant({ holdfast_roles: ['offline_access', 'viewer', 'operator'] })).toEqual({
      kind: 'grant',
      roles: ['viewer', 'operator'],
    });
    expect(grant({ holdfast_roles: 'x viewer' })).toMatchObject({ roles: ['viewer'] });
    expect(grant({ holdfast_roles: ['Admin', 'ADMIN', ' admin'] })).toMatchObject({ kind: 'nothing' });
  });

  it('are mapped, and then no other value has a meaning', () => {
    const oidcRoles = ['payments-admins=admin', 'CN=ops,DC=x=operator', 'a=b=viewer'];
    expect(grant({ holdfast_roles: ['payments-admins'] }, { oidcRoles })).toMatchObject({ roles: ['admin'] });
    expect(grant({ holdfast_roles: ['CN=ops,DC=x', 'a=b'] }, { oidcRoles })).toMatchObject({
      roles: ['viewer', 'operator'],
    });
    expect(grant({ holdfast_roles: ['admin', 'constructor'] }, { oidcRoles })).toMatchObject({ kind: 'nothing' });
  });

  it.each<[string, Record<string, unknown>]>([
    ['realm_access.roles', { realm_access: { roles: ['viewer'] } }],
    ['https://shop.example/roles', { 'https://shop.example/roles': ['viewer'] }],
    [String.raw`resource_access.my\.client.roles`, { resource_access: { 'my.client': { roles: ['viewer'] } } }],
    ['a.b', { 'a.b': 'viewer', a: { b: 'admin' } }],
  ])('are found at %s', (oidcRolesClaim, claims) => {
    expect(grant(claims, { oidcRolesClaim })).toEqual({ kind: 'grant', roles: ['viewer'] });
  });

  it.each<[string, Record<string, unknown>]>([
    ['realm_access.roles', { realm_access: 'roles' }],
    ['realm_access.roles', { realm_access: null }],
    ['realm_access.0', { realm_access: ['viewer'] }],
    ['constructor.name', {}],
    ['__proto__.roles', {}],
    ['toString', {}],
  ])('are not found at %s of %o', (oidcRolesClaim, claims) => {
    expect(grant(claims, { oidcRolesClaim })).toMatchObject({ kind: 'nothing' });
  });

  it.each([1, true, {}, [1], [['viewer']], [null], ['viewer', 1]])('that are %o are malformed', (value) => {
    expect(grant({ holdfast_roles: value })).toMatchObject({ kind: 'malformed' });
  });
});

describe('namespaces', () => {
  const values = { oidcNamespacesClaim: 'ns' };
  it.each<[unknown, object]>([
    [['shop', 'bank', 'shop'], { kind: 'grant', namespaces: ['shop', 'bank'] }],
    ['shop bank', { kind: 'grant', namespaces: ['shop', 'bank'] }],
    [['shop', '$holdfast', '/x', ''], { kind: 'grant', namespaces: ['shop'] }],
    [['$holdfast'], { kind: 'nothing' }],
    [[], { kind: 'nothing' }],
    [undefined, { kind: 'nothing' }],
    [null, { kind: 'nothing' }],
    [{ shop: true }, { kind: 'malformed' }],
    [['shop', 1], { kind: 'malformed' }],
  ])('of %o', (ns, expected) => {
    expect(grant({ holdfast_roles: 'viewer', ns }, values)).toMatchObject(expected);
  });

  it('are all of them with *, and without the option', () => {
    expect(grant({ holdfast_roles: 'viewer', ns: ['*'] }, values)).not.toHaveProperty('namespaces');
    expect(grant({ holdfast_roles: 'viewer', ns: ['shop'] })).not.toHaveProperty('namespaces');
  });
});

describe('a path of a claim', () => {
  it('has at most eight names', () => {
    expect(readClaimPath('a.b.c.d.e.f.g.h')?.names).toHaveLength(8);
    expect(readClaimPath('a.b.c.d.e.f.g.h.i')).toBeUndefined();
    expect(readClaimPath('x'.repeat(257))).toBeUndefined();
  });

  it('leads to own members only', () => {
    const path = readClaimPath('a.hasOwnProperty');
    expect(path === undefined ? null : claimAt({ a: {} }, path)).toBeUndefined();
  });
});
