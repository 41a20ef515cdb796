import { describe, expect, it } from 'vitest';
import { refusalOf } from '@holdfast/testing/store-cases';
import { settingsOf } from '../src/options.ts';

describe('the options of the store on Redis', () => {
  it('read a URL of a host', () => {
    expect(settingsOf({ url: 'redis://user:p%40ss@db.example:6380/3?prefix=shop' })).toMatchObject({
      prefix: 'shop',
      place: 'db.example:6380/3',
      server: { host: 'db.example', port: 6380 },
      account: { user: 'user', password: 'p@ss' },
      database: 3,
    });
    expect(settingsOf({ url: 'redis://[::1]' })).toMatchObject({ server: { host: '::1', port: 6379 }, database: 0 });
    expect(settingsOf({ url: 'redis://:secret@db' }).account).toEqual({ user: undefined, password: 'secret' });
  });

  it('read a URL of a socket', () => {
    expect(settingsOf({ url: 'redis+unix://user:secret@/run/redis%20a.sock?db=2&prefix=p' })).toMatchObject({
      server: { path: '/run/redis a.sock' },
      place: '/run/redis a.sock, database 2',
      account: { user: 'user', password: 'secret' },
      database: 2,
      prefix: 'p',
    });
    expect(settingsOf({ url: 'unix:///run/redis.sock' })).toMatchObject({ server: { path: '/run/redis.sock' } });
  });

  it('verify the certificate for rediss, with the settings of the parameter tls', async () => {
    const optionsOf = (url: string) => {
      const { server } = settingsOf({ url });
      return 'tls' in server ? server.tls?.options() : undefined;
    };
    expect(settingsOf({ url: 'redis://db' }).server).not.toHaveProperty('tls');
    await expect(optionsOf('rediss://db')).resolves.toMatchObject({ servername: 'db', rejectUnauthorized: true });
    await expect(optionsOf(`rediss://10.0.0.1?tls=${encodeURIComponent('{"ca":"PEM"}')}`)).resolves.toMatchObject({
      ca: 'PEM',
    });
  });

  it.each(['/', '?', '#', '@/', '%'])(
    'hint at percent-encoding when a password with %s breaks the URL',
    (character) => {
      const refusal = refusalOf(() => settingsOf({ url: `redis://user:1hunter2${character}x@db:6379/0` }));
      expect(refusal.code).toBe('invalid');
      expect(refusal.message).toMatch(/percent-encoded/);
      expect(refusal.message).not.toContain('hunter2');
    },
  );

  it.each([
    ['another scheme', 'postgres://user:hunter2@db'],
    ['a database that is no number', 'redis://user:hunter2@db/orders'],
    ['a parameter that is none', 'redis://user:hunter2@db?password=hunter2'],
    ['a socket without a path', 'unix://?db=1'],
    ['a host and a socket', 'unix://db/run/redis.sock'],
    ['TLS parameters without TLS', 'redis://user:hunter2@db?tls={}'],
    ['TLS parameters that are not an object', 'rediss://user:hunter2@db?tls=[1]'],
    ['a user without a password', 'redis://user@db'],
  ])('reject %s, and repeat no password', (_, bad) => {
    const refusal = refusalOf(() => settingsOf({ url: bad }));
    expect(refusal.code).toBe('invalid');
    expect(refusal.message).not.toContain('hunter2');
  });
});
