import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCli } from './support/run-cli.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-migrate-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('holdfast migrate', () => {
  it('creates a schema, and reports that nothing is left to do the next time', async () => {
    const store = `lmdb:${folder}/data`;
    expect(await runCli(['migrate', '--store', store])).toEqual({
      out: ['✓ created: schema version 1'],
      err: [],
      exitCode: 0,
    });
    expect((await runCli(['migrate', '--store', store])).out).toEqual(['✓ nothing to do: schema version 1']);
    expect((await runCli(['migrate', '--store', store, '-o', 'json'])).out).toEqual(['{"found":1,"current":1}']);
  });

  it.each([
    ['memory:', 2, 'lost at exit'],
    ['etcd://user:s3cret@host/x', 2, '"etcd" is not a store'],
    ['postgres://user:s3cret@127.0.0.1:1/x', 3, 'PostgreSQL at 127.0.0.1:1/x cannot be used'],
  ])('reports in one line why %s cannot be migrated', async (store, code, why) => {
    const { out, err, exitCode } = await runCli(['migrate', '--store', store]);
    expect([out, err.length, exitCode]).toEqual([[], 1, code]);
    expect(err[0]).toContain(why);
    expect(err[0]).not.toContain('s3cret');
  });
});
