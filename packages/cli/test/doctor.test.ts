import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLmdbStore } from '@holdfast/store-lmdb';
import { freePort, startMariadb, startPostgres, startRedis } from '@holdfast/testing/servers';
import { barrierSchema } from '@holdfast/protocol';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { describeWith } from '@holdfast/testing/describe-with';
import { openDatabase } from '../src/database/open-database.ts';
import { type Finding, runCheck } from '../src/doctor/finding.ts';
import { checkFileLimit, checkNode } from '../src/doctor/machine.ts';
import { checkDrift, checkFreeBytes, checkWrites } from '../src/doctor/store.ts';
import { TestServer } from '@holdfast/testing/test-server';
import { runCli } from './support/run-cli.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-doctor-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function doctor(...args: string[]) {
  const { out, exitCode } = await runCli(['doctor', '--http-port', '0', '-o', 'json', ...args]);
  const findings = JSON.parse(out.join('\n')) as Finding[];
  return { exitCode, find: (check: string) => findings.find((finding) => finding.check.endsWith(check)) };
}
const lmdb = () => `lmdb:${join(folder, 'data')}`;

describe('holdfast doctor', () => {
  it('checks a store that does not exist yet without creating it', async () => {
    const { exitCode, find } = await doctor('--store', lmdb());
    expect(exitCode).toBe(0);
    // How quick the disk is just now decides between "ok" and "slow".
    expect(find('store')?.found).toMatch(/^lmdb: schema known, 5 writes, [\d.]+ ms each, synced/);
    const { out } = await runCli(['doctor', '--store', lmdb(), '--http-port', '0']);
    expect(out[0]).toMatch(/^RESULT +CHECK +FOUND$/);
  });

  it('reports the process that has the store open, and that a memory store keeps nothing', async () => {
    const store = createLmdbStore({ path: join(folder, 'open') });
    await store.open();
    onTestFinished(() => store.close());
    expect((await doctor('--store', `lmdb:${join(folder, 'open')}`)).find('store')).toMatchObject({ level: 'warn' });
    expect((await doctor('--store', 'memory:')).find('store')).toMatchObject({ level: 'warn' });
  });

  it('fails for an impossible store and an unreachable server', async () => {
    const { exitCode, find } = await doctor('--store', 'lmdb:/proc/none/data', '--server', 'http://127.0.0.1:1');
    expect(exitCode).toBe(1);
    expect(find('store')).toMatchObject({ level: 'fail' });
    expect(find('server')).toMatchObject({ level: 'fail' });
  });

  it('distinguishes a server that cuts its response off, and another program, from one that does not respond', async () => {
    const found = async (respond: (response: ServerResponse) => void): Promise<string | undefined> => {
      const other = createServer((_request, response) => respond(response)).listen(0, '127.0.0.1');
      await once(other, 'listening');
      onTestFinished(() => void other.close());
      const { port } = other.address() as AddressInfo;
      const { find } = await doctor('--store', 'memory:', '--server', `http://127.0.0.1:${port}`);
      return find('server')?.found;
    };
    expect(await found((response) => response.destroy())).toMatch(/did not send a complete response$/);
    expect(await found((response) => response.end('<html>'))).toMatch(/is not a Holdfast coordinator$/);
    const silent = await doctor('--store', 'memory:', '--server', `http://127.0.0.1:${await freePort()}`);
    expect(silent.find('server')?.found).toMatch(/^no coordinator responds at/);
  });

  it('distinguishes a coordinator at the port from another program', async () => {
    await using server = await TestServer.start();
    const other = createServer((_, response) => void response.end('hello')).listen(0, '127.0.0.1');
    await once(other, 'listening');
    onTestFinished(() => void other.close());
    const taken = String((other.address() as AddressInfo).port);
    const used = await doctor('--store', 'memory:', '--http-port', new URL(server.url).port, '--server', server.url);
    expect(used.find(`port ${new URL(server.url).port}`)).toMatchObject({ level: 'ok' });
    expect(used.find('server')).toMatchObject({ level: 'ok' });
    const { exitCode, find } = await doctor('--store', 'memory:', '--http-port', taken);
    expect([exitCode, find(`port ${taken}`)?.level]).toEqual([1, 'fail']);
  });

  it('checks versions, limits, disk space and clocks, and never waits without a limit', async () => {
    expect(['v18.20.0', 'v20.18.1', 'v20.19.0', 'v22.0.0'].map((v) => checkNode(v).level)).toEqual([
      'fail',
      'fail',
      'ok',
      'ok',
    ]);
    expect([256, 4096, 65_536, undefined].map((n) => checkFileLimit(n).level)).toEqual(['fail', 'warn', 'ok', 'warn']);
    expect([1, 5e8, 5e9].map((n) => checkFreeBytes(n).level)).toEqual(['fail', 'warn', 'ok']);
    const kept = { name: 'lmdb', durable: true };
    expect([1, 51].map((ms) => checkWrites(kept, ms, []).level)).toEqual(['ok', 'warn']);
    expect(checkWrites(kept, 51, []).found).toContain('; slow');
    expect([0, -5_000].map((ms) => checkDrift('clock', ms).level)).toEqual(['ok', 'warn']);
    expect(await runCheck({ name: 'silent', run: () => new Promise(() => {}) }, 10)).toMatchObject([{ level: 'fail' }]);
  });
});

describe('the advice of holdfast doctor', () => {
  it.each(['postgres://user@127.0.0.1:1/db', 'mysql://user@127.0.0.1:1/db', 'redis://127.0.0.1:1'])(
    'does not mention a disk for a server that cannot be reached: %s',
    async (url) => {
      const finding = (await doctor('--store', url)).find('store');
      expect(finding).toMatchObject({ level: 'fail', fix: expect.stringContaining('network') as string });
      expect(finding?.fix).not.toContain('disk');
    },
  );

  it('concerns the coordinator of --url, and not the port that a local one would use', async () => {
    await using server = await TestServer.start();
    const { out } = await runCli(['doctor', '--store', 'memory:', '--server', server.url, '-o', 'json']);
    const findings = JSON.parse(out.join('\n')) as Finding[];
    expect(findings.map(({ check }) => check).filter((check) => check.startsWith('port'))).toEqual([]);
    expect(findings.find(({ check }) => check === 'server')).toMatchObject({ level: 'ok' });
  });
});

describeWith(['redis-server'], 'holdfast doctor on a store in Redis', () => {
  it.each([
    ['everysec', ['not durable', 'appendfsync is everysec']],
    ['always', ['synced (appendfsync always)', 'no eviction (maxmemory-policy noeviction)']],
  ] as const)('describes the writes that a crash may lose with appendfsync %s', async (appendFsync, words) => {
    const server = await startRedis({ appendFsync });
    if (server === undefined) throw new Error('Redis is not installed');
    onTestFinished(() => server.stop());
    const { find } = await doctor('--store', server.url);
    for (const word of words) expect(find('store')?.found).toContain(word);
    if (appendFsync === 'everysec') expect(find('store')).toMatchObject({ level: 'warn' });
  });
});

describeWith(['postgres', 'mariadbd'], 'holdfast doctor on databases of participants', () => {
  it('finds a binary log that is not synced', async () => {
    // MariaDB's default does not sync it.
    const server = await startMariadb(['--log-bin']);
    if (server === undefined) throw new Error('MariaDB is not installed');
    onTestFinished(() => server.stop());
    const look = async () => (await doctor('--store', 'memory:', '--barrier', server.url)).find('durability');
    expect(await look()).toMatchObject({ level: 'warn', fix: 'set sync_binlog=1' });
    const database = await openDatabase(server.url);
    await database.query('set global sync_binlog = 1');
    await database.close();
    expect(await look()).toMatchObject({ level: 'ok', fix: '' });
  });

  it.each([
    {
      kind: 'postgres',
      start: () => startPostgres(['max_prepared_transactions=0', 'synchronous_commit=off']),
      xa: 'warn',
    },
    { kind: 'mysql', start: () => startMariadb(['--innodb-flush-log-at-trx-commit=2']), xa: 'ok' },
  ] as const)('finds faults of the barrier and the settings: $kind', async ({ kind, start, xa }) => {
    const server = await start();
    if (server === undefined) throw new Error(`${kind} is not installed`);
    onTestFinished(() => server.stop());
    const database = await openDatabase(server.url);
    const look = (...more: string[]) => doctor('--store', 'memory:', '--barrier', server.url, ...more);

    const none = await look();
    expect([none.exitCode, none.find('barrier')?.level]).toEqual([1, 'fail']);
    expect(none.find('xa')?.level).toBe(xa);
    expect(none.find('durability')?.level).toBe('warn');
    // There is no advice about the binary log without one.
    expect(none.find('durability')?.found).not.toContain('sync_binlog');
    expect(none.find('clock')?.level).toBe('ok');

    for (const statement of barrierSchema(kind)) await database.query(statement);
    expect((await look()).find('barrier')).toMatchObject({ level: 'ok' });

    await database.query(
      'create table no_key (gid varchar(128), branch_id varchar(128), op varchar(45), barrier_id varchar(45), trans_type varchar(45), reason varchar(45))',
    );
    await database.query('create table no_op (gid varchar(128))');
    expect((await look('--barrier-table', 'no_key')).find('barrier')?.found).toContain('has no unique index');
    expect((await look('--barrier-table', 'no_op')).find('barrier')?.found).toContain('no op');
    await database.close();
  });
});
