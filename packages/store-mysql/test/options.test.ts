import { describe, expect, it } from 'vitest';
import { refusalOf } from '@holdfast/testing/store-cases';
import { settingsOf } from '../src/options.ts';

const url = 'mysql://user:hunter2@db.example:3307/orders';

describe('the options of the store on MariaDB and MySQL', () => {
  it('take the prefix from the option, then from the URL, and else call it holdfast_', () => {
    expect(settingsOf({ url }).prefix).toBe('holdfast_');
    expect(settingsOf({ url: `${url}?prefix=shop_` }).prefix).toBe('shop_');
    expect(settingsOf({ url: `${url}?prefix=shop_`, prefix: 'bank_' }).prefix).toBe('bank_');
  });

  it('specify the address of the server and the account', () => {
    expect(settingsOf({ url }).client).toMatchObject({
      host: 'db.example',
      port: 3307,
      user: 'user',
      password: 'hunter2',
      database: 'orders',
    });
    expect(settingsOf({ url: 'mariadb://u%40x:p%2F@[::1]/orders' }).client).toMatchObject({
      host: '::1',
      port: 3306,
      user: 'u@x',
      password: 'p/',
    });
    expect(settingsOf({ url: `${url}?socketPath=/run/db.sock` }).client).toMatchObject({ socketPath: '/run/db.sock' });
  });

  it('enable TLS when the URL does', async () => {
    const sslOf = async (text: string) => (await settingsOf({ url: text }).tls?.options())?.ssl;
    await expect(sslOf(url)).resolves.toBeUndefined();
    await expect(sslOf(`${url}?ssl=false`)).resolves.toBeUndefined();
    const verified = { verifyIdentity: true, minVersion: 'TLSv1.2' };
    await expect(sslOf(`${url}?ssl=true`)).resolves.toEqual(verified);
    await expect(sslOf(`${url}?ssl-mode=REQUIRED`)).resolves.toEqual(verified);
    await expect(sslOf('mysql://u@10.0.0.1/db?ssl=true')).resolves.toMatchObject({ verifyIdentity: false });
    const ssl = encodeURIComponent('{"ca":"PEM"}');
    await expect(sslOf(`${url}?ssl=${ssl}`)).resolves.toEqual({ ...verified, ca: 'PEM' });
  });

  it.each(['/', '?', '#', '@/', '%'])(
    'hint at percent-encoding when a password with %s breaks the URL',
    (character) => {
      const refusal = refusalOf(() => settingsOf({ url: `mysql://user:1hunter2${character}x@db:3306/orders` }));
      expect(refusal.code).toBe('invalid');
      expect(refusal.message).toMatch(/percent-encoded/);
      expect(refusal.message).not.toContain('hunter2');
    },
  );

  it.each([
    ['a text that is no URL', { url: 'hunter2@nowhere' }],
    ['a URL of something else', { url: 'postgres://user:hunter2@db/orders' }],
    ['a URL without a database', { url: 'mysql://user:hunter2@db' }],
    ['a parameter that is none', { url: `${url}?multipleStatements=false` }],
    ['an escape that is none', { url: 'mysql://user:hunter2%@db/orders' }],
    ['TLS of another kind', { url: `${url}?ssl=[1]` }],
    ['a prefix that would need quotes', { url, prefix: 'Shop; drop' }],
    ['a prefix that is too long', { url, prefix: 'p'.repeat(41) }],
    ['no time to connect', { url, connectTimeoutMs: 0 }],
    ['a statement time that is no number', { url, statementTimeoutMs: Number.NaN }],
  ])('reject %s, and repeat no password', (_, options) => {
    const refusal = refusalOf(() => settingsOf(options));
    expect(refusal.code).toBe('invalid');
    expect(refusal.message).not.toContain('hunter2');
  });
});
