import { createPostgresStore } from '@holdfast/store-postgres';
import { startPostgres } from '@holdfast/test-servers';
import pg from 'pg';
import { expect, it, onTestFinished, vi } from 'vitest';
import { describeWith } from '../../../tools/src/describe-with.ts';
import { createLog } from '../src/logs/create-log.ts';
import { Participants } from './support/participants.ts';
import { TestServer } from './support/running-server.ts';

const WAIT = { timeout: 20_000, interval: 50 };

describeWith(['postgres'], 'a node whose store can be read but not written', () => {
  /** A node whose database user is `service`, with a connection of the owner beside it. */
  async function setUp() {
    const database = await startPostgres();
    if (database === undefined) throw new Error('PostgreSQL is not installed');
    onTestFinished(() => database.stop());
    const owner = new pg.Client({ connectionString: database.url });
    await owner.connect();
    onTestFinished(() => owner.end());
    const created = createPostgresStore({ url: database.url });
    await created.open();
    await created.close();
    await owner.query(`create role service login; grant usage on schema holdfast to service;
      grant select, insert, update, delete on all tables in schema holdfast to service`);
    const lines: Record<string, unknown>[] = [];
    const log = createLog({
      level: 'warn',
      format: 'json',
      output: { write: (line) => lines.push(JSON.parse(line) as Record<string, unknown>) },
      colour: false,
    });
    const store = Object.assign(new URL(database.url), { username: 'service' }).href;
    const server = await TestServer.start({ store }, { log });
    onTestFinished(() => server.running.close());
    const shop = await Participants.start();
    onTestFinished(() => shop[Symbol.asyncDispose]());
    const submit = (gid: string) =>
      server.dtm('submit', {
        gid,
        trans_type: 'saga',
        steps: [{ action: shop.url('/ok'), compensate: '' }],
        payloads: ['{}'],
      });
    const readiness = async () => (await server.get('/readyz')).status;
    return { owner, server, lines, submit, readiness };
  }

  it('is not ready while the privilege to write is missing, says why once, and is ready again by itself', async () => {
    const { owner, server, lines, submit, readiness } = await setUp();
    expect((await submit('a')).status).toBe(200);
    expect(await readiness()).toBe(200);
    await owner.query('revoke insert on holdfast.transactions from service');
    for (let n = 0; n < 30; n++) expect((await submit(`b${n}`)).status).toBe(503);
    expect(await server.get('/readyz')).toMatchObject({
      status: 503,
      text: expect.stringContaining('permission denied') as string,
    });
    const about = lines.filter(({ msg }) => msg === 'the store does not take batches');
    expect(about).toHaveLength(1);
    expect(about[0]).toMatchObject({ error: expect.stringContaining('permission denied') as string });
    await owner.query('grant insert on holdfast.transactions to service');
    await vi.waitFor(async () => expect(await readiness()).toBe(200), WAIT);
    expect((await submit('c')).status).toBe(200);
  });

  it('is not ready while the connection of batches cannot be made, even before the first batch', async () => {
    const { owner, readiness } = await setUp();
    const { rows } = await owner.query(`select count(*)::int as n from pg_stat_activity where usename = 'service'`);
    await owner.query(`alter role service connection limit ${(rows as readonly { n: number }[])[0]?.n}`);
    expect(await readiness()).toBe(503);
    await owner.query('alter role service connection limit -1');
    await vi.waitFor(async () => expect(await readiness()).toBe(200), WAIT);
  });

  it('is not ready while a table that only batches change cannot be changed', async () => {
    const { owner, submit, readiness } = await setUp();
    expect(await readiness()).toBe(200);
    await owner.query('revoke update on holdfast.counters from service');
    expect((await submit('a')).status).toBe(503);
    expect(await readiness()).toBe(503);
    await owner.query('grant update on holdfast.counters to service');
    await vi.waitFor(async () => expect(await readiness()).toBe(200), WAIT);
  });
});
