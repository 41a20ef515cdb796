import { describe, expect, it } from 'vitest';
import { refusalOf } from '@holdfast/testing/store-cases';
import { settingsOf } from '../src/options.ts';

const url = 'postgres://user:hunter2@db.example:5432/orders';

describe('the options of the store on PostgreSQL', () => {
  it('take the schema from the option, then from the URL, and else call it holdfast', () => {
    expect(settingsOf({ url }).schema).toBe('holdfast');
    expect(settingsOf({ url: `${url}?schema=shop` }).schema).toBe('shop');
    expect(settingsOf({ url: `${url}?schema=shop`, schema: 'bank' }).schema).toBe('bank');
  });

  it('hand on everything else of the URL', () => {
    const { clients } = settingsOf({ url: `${url}?sslmode=verify-full&schema=shop&sslrootcert=ca.pem` });
    expect(clients.map(({ connectionString }) => connectionString)).toEqual([url]);
  });

  it('name several hosts, each with the rest of the URL', () => {
    const { clients } = settingsOf({
      url: 'postgres://user:p%40ss@one:5432,two,[::1]:5433/orders?target_session_attrs=read-write&schema=shop',
    });
    expect(clients.map(({ connectionString }) => connectionString)).toEqual([
      'postgres://user:p%40ss@one:5432/orders',
      'postgres://user:p%40ss@two/orders',
      'postgres://user:p%40ss@[::1]:5433/orders',
    ]);
  });

  it.each(['/', '?', '#', '@/', '%', '5/'])(
    'hint at percent-encoding when a password with %s breaks the URL',
    (character) => {
      const refusal = refusalOf(() => settingsOf({ url: `postgres://user:1hunter2${character}x@db:5432/orders` }));
      expect(refusal.code).toBe('invalid');
      expect(refusal.message).toMatch(/percent-encoded/);
      expect(refusal.message).not.toContain('hunter2');
    },
  );

  it.each([
    ['shema', 'schema'],
    ['target_session_attr', 'target_session_attrs'],
  ])('reject the misspelled parameter %s, which would open another store', (name, meant) => {
    expect(refusalOf(() => settingsOf({ url: `${url}?${name}=shop` })).message).toContain(`did you mean ${meant}?`);
  });

  it.each([
    ['a server that takes no writes', { url: `${url}?target_session_attrs=standby` }],
    ['a comma without a host', { url: 'postgres://user:hunter2@one,,two/orders' }],
    ['a text that is no URL', { url: 'hunter2@nowhere' }],
    ['a URL of something else', { url: 'mysql://user:hunter2@db/orders' }],
    ['a schema name that would need quotes', { url, schema: 'Shop; drop' }],
    ['a schema name of the system', { url, schema: 'pg_shop' }],
    ['a schema name that is too long', { url, schema: 's'.repeat(64) }],
    ['no time to connect', { url, connectTimeoutMs: 0 }],
    ['a statement time that is no number', { url, statementTimeoutMs: Number.NaN }],
  ])('reject %s, and repeat no password', (_, options) => {
    const refusal = refusalOf(() => settingsOf(options));
    expect(refusal.code).toBe('invalid');
    expect(refusal.message).not.toContain('hunter2');
  });
});
