import type { Store, StoreError } from '@holdfast/core';
import { freePort } from '@holdfast/test-servers';
import pg from 'pg';
import { describe, expect, it, vi } from 'vitest';
import { describeWith } from '../../../tools/src/describe-with.ts';
import { appendOf, insertOf, updateOf } from '../../conformance/test/support/items.ts';
import { createPostgresStore, type PostgresStoreOptions } from '../src/index.ts';
import { newSchema, useServer } from './server.ts';

const WAIT = { interval: 20, timeout: 20_000 };

describeWith(['postgres'], 'failures on a real server', () => {
  const { url, server, run } = useServer();

  /** Runs a body with an open store in a schema of its own. */
  async function withStore(
    body: (store: Store, schema: string) => Promise<void>,
    options: Partial<PostgresStoreOptions> = {},
  ): Promise<void> {
    const schema = newSchema();
    const store = createPostgresStore({ url: url(), schema, ...options });
    await store.open();
    try {
      await body(store, schema);
    } finally {
      await store.close();
    }
  }

  /** Holds the row of a gid on another connection while the body runs. */
  async function holding(
    schema: string,
    gid: string,
    body: (release: () => Promise<void>) => Promise<void>,
  ): Promise<void> {
    const holder = new pg.Client({ connectionString: url() });
    await holder.connect();
    try {
      await holder.query('begin');
      await holder.query(`select from ${schema}.transactions where gid = $1 for update`, [gid]);
      await body(async () => void (await holder.query('rollback')));
    } finally {
      await holder.end();
    }
  }

  const waiting = `select pid from pg_stat_activity where application_name = 'holdfast' and wait_event_type = 'Lock'`;
  async function untilWaiting(count: number): Promise<void> {
    await vi.waitFor(async () => expect((await run(waiting)).length).toBeGreaterThanOrEqual(count), WAIT);
  }

  describe('a connection that is lost', () => {
    it('leaves a write in doubt; sent again it is applied once, or finds itself', async () => {
      await withStore(async (store, schema) => {
        await store.write([insertOf('a')]);
        const batch = [updateOf('a', { status: 'succeed' }), insertOf('b')];
        await holding(schema, 'a', async (release) => {
          const doubtful = store.write(batch).catch((error: StoreError) => error.code);
          await untilWaiting(1);
          await run(`select pg_terminate_backend(pid) from (${waiting}) waiting`);
          expect(await doubtful).toBe('outcome_unknown');
          await release();
        });
        for (let time = 0; time < 2; time++)
          expect(await store.write(batch)).toEqual([
            { kind: 'applied', version: 2, existing: [] },
            { kind: 'applied', version: 1, existing: [] },
          ]);
        expect((await store.count()).byStatus).toMatchObject({ succeed: 1, submitted: 1 });
      });
    });

    it('is made anew by the next call', async () => {
      await withStore(async (store) => {
        await store.write([insertOf('a')]);
        await store.nowMs();
        await run(`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'holdfast'`);
        const answers = await Promise.all([untilAnswered(() => store.nowMs()), untilAnswered(() => store.count())]);
        expect(answers[1].byStatus.submitted).toBe(1);
        expect(await untilAnswered(() => store.write([insertOf('b')]))).toMatchObject([{ kind: 'applied' }]);
      });
    });
  });

  describe('a server that is killed', () => {
    it('is unavailable until it runs again, and then has everything that was acknowledged', async () => {
      await withStore(async (store) => {
        await store.openSession('session', { node: 'node', version: '1' });
        const acknowledged: string[] = [];
        const refused = new Set<string>();
        let killed: Promise<void> | undefined;
        for (let i = 0; refused.size === 0; i++) {
          if (i === 20) killed = server().kill();
          const outcome = await store.write([insertOf(`gid-${i}`)]).catch((error: StoreError) => error.code);
          if (typeof outcome === 'string') refused.add(outcome);
          else acknowledged.push(`gid-${i}`);
        }
        await killed;
        await expect(store.write([insertOf('z')])).rejects.toMatchObject({ code: 'unavailable' });
        await expect(store.nowMs()).rejects.toMatchObject({ code: 'unavailable' });
        await server().start();
        expect(await untilAnswered(() => store.heartbeat('session'))).toMatchObject({ alive: true });
        const records = await store.get(acknowledged.map((gid) => ({ namespace: 'default', gid })));
        expect(records.every((record) => record?.version === 1)).toBe(true);
        expect(acknowledged.length).toBeGreaterThanOrEqual(20);
        expect(await store.write([insertOf('z')])).toMatchObject([{ kind: 'applied' }]);
      });
    });
  });

  describe('statements that wait', () => {
    it('are given up after their time, and nothing of them is applied', async () => {
      await withStore(
        async (store, schema) => {
          await store.write([insertOf('a')]);
          await holding(schema, 'a', async () => {
            const batch = [insertOf('b'), updateOf('a')];
            await expect(store.write(batch)).rejects.toMatchObject({ code: 'unavailable' });
          });
          expect(await store.get([{ namespace: 'default', gid: 'b' }])).toEqual([undefined]);
          expect(await store.write([updateOf('a')])).toMatchObject([{ kind: 'applied', version: 2 }]);
        },
        { statementTimeoutMs: 300 },
      );
    });

    it('lock records in the order of their keys, whatever the order and kinds of the items, so that two never wait for each other', async () => {
      await withStore(async (store, schema) => {
        const other = createPostgresStore({ url: url(), schema });
        await other.open();
        await store.write(['a', 'm', 'z'].map((gid) => insertOf(gid)));
        await holding(schema, 'm', async (release) => {
          const first = store.write([updateOf('z'), updateOf('m'), appendOf('a', 'first')]);
          await untilWaiting(1);
          const second = other.write([appendOf('z', 'second'), updateOf('a')]);
          await untilWaiting(2);
          const free = `select gid from ${schema}.transactions where gid in ('a', 'z') for update skip locked`;
          expect(await run(free)).toEqual([{ gid: 'z' }]);
          await release();
          expect((await first).map(({ kind }) => kind)).toEqual(['applied', 'applied', 'applied']);
          expect((await second).map(({ kind }) => kind)).toEqual(['applied', 'conflict']);
        });
        await other.close();
      });
    });

    it('are sent again when somebody else, who keeps no order, made a deadlock', async () => {
      await withStore(async (store, schema) => {
        await store.write(['a', 'z'].map((gid) => insertOf(gid)));
        const rude = new pg.Client({ connectionString: url() });
        await rude.connect();
        await rude.query(
          `begin; set local deadlock_timeout to '1min'; select from ${schema}.transactions where gid = 'z' for update`,
        );
        const outcomes = store.write([updateOf('a'), updateOf('z'), insertOf('b')]);
        await untilWaiting(1);
        // Waits for the store, which waits for it: the server ends the statement of the store.
        await rude.query(`update ${schema}.transactions set claims = claims where gid = 'a'`);
        await rude.query('rollback');
        expect((await outcomes).map(({ kind }) => kind)).toEqual(['applied', 'applied', 'applied']);
        await rude.end();
      });
    });
  });

  describe('opening', () => {
    it('works for many nodes at once on an empty database', async () => {
      const schema = newSchema();
      const stores = Array.from({ length: 6 }, () => createPostgresStore({ url: url(), schema }));
      await Promise.all(stores.map((store) => store.open()));
      await Promise.all(stores.map((store, i) => store.write([insertOf(`gid-${i}`)])));
      expect((await stores[0]?.count())?.byStatus.submitted).toBe(6);
      await Promise.all(stores.map((store) => store.close()));
    });

    it('refuses a schema that a newer Holdfast made, and leaves it as it is', async () => {
      const schema = newSchema();
      await run(`create schema ${schema}; create table ${schema}.schema_version (version integer not null);
        insert into ${schema}.schema_version values (99)`);
      const store = createPostgresStore({ url: url(), schema });
      for (let attempt = 0; attempt < 2; attempt++)
        await expect(store.open()).rejects.toMatchObject({ code: 'unsupported_format' });
      expect(await run(`select tablename from pg_tables where schemaname = '${schema}'`)).toHaveLength(1);
    });

    it('takes a schema that somebody else made for it', async () => {
      const schema = newSchema();
      await run(`create role guest login; create schema ${schema} authorization guest`);
      const guest = new URL(url());
      guest.username = 'guest';
      guest.searchParams.set('schema', schema);
      const store = createPostgresStore({ url: guest.href });
      await store.open();
      expect(await store.write([insertOf('a')])).toMatchObject([{ kind: 'applied' }]);
      await store.close();
    });

    it('says what a crash may lose, and is not durable then', async () => {
      const warnings: string[] = [];
      const lax = new URL(url());
      lax.searchParams.set('options', '-c synchronous_commit=off');
      const store = createPostgresStore({
        url: lax.href,
        schema: newSchema(),
        onWarning: (text) => warnings.push(text),
      });
      await store.open();
      expect(store.capabilities.durable).toBe(false);
      expect(warnings).toEqual([expect.stringContaining('synchronous_commit is off')]);
      await store.close();
      await withStore(async (durable) => expect(durable.capabilities.durable).toBe(true));
      expect(warnings).toHaveLength(1);
    });

    it('names the server that cannot be reached, and no password', async () => {
      const port = await freePort();
      const store = createPostgresStore({ url: `postgres://user:hunter2@127.0.0.1:${port}/db` });
      const error = await store.open().catch((thrown: unknown) => thrown as StoreError);
      expect(error).toMatchObject({ code: 'unavailable' });
      expect((error as Error).message).toContain(`127.0.0.1:${port}/db`);
      expect(`${(error as Error).stack} ${JSON.stringify(error)}`).not.toContain('hunter2');
    });
  });
});

/** Calls until an answer comes: a connection that was lost is noticed by somebody's call. */
const untilAnswered = <T>(call: () => Promise<T>): Promise<T> => vi.waitFor(call, WAIT);
