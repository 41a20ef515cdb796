import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { freePort } from '@holdfast/testing/servers';
import pg from 'pg';
import { describe, expect, it, vi } from 'vitest';
import { describeWith } from '@holdfast/testing/describe-with';
import { appendOf, insertOf, updateOf } from '@holdfast/testing/store-cases';
import { expectToOpenAtOnce, withStoreAt } from '@holdfast/testing/store-cases';
import { expectUnreachable } from '@holdfast/testing/store-cases';
import {
  expectDoubtThatResolves,
  expectNewConnection,
  expectToOutliveItsServer,
  untilResponse,
  WAIT,
} from '@holdfast/testing/store-cases';
import { createPostgresStore, type PostgresStoreOptions } from '../src/index.ts';
import { newSchema, useServer } from '@holdfast/testing/postgres';

describeWith(['postgres'], 'failures on a real server', () => {
  const { url, server, run } = useServer();

  /** Runs a body with an open store in a new schema. */
  const withStore = withStoreAt<PostgresStoreOptions>(newSchema, (schema, options) =>
    createPostgresStore({ url: url(), schema, ...options }),
  );

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
      await withStore((store, schema) =>
        expectDoubtThatResolves(store, (send) =>
          holding(schema, 'a', async (release) => {
            const sent = send();
            await untilWaiting(1);
            await run(`select pg_terminate_backend(pid) from (${waiting}) waiting`);
            await sent;
            await release();
          }),
        ),
      );
    });

    it('is replaced by the next call', async () => {
      const all = `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'holdfast'`;
      await withStore((store) => expectNewConnection(store, () => run(all)));
    });
  });

  describe('a server that is killed', () => {
    it('is unavailable until it runs again, and then has everything that was acknowledged', async () => {
      await withStore((store) => expectToOutliveItsServer(store, server(), { writes: 20, first: untilResponse }));
    });
  });

  describe('a heartbeat', () => {
    it('does not wait for a claim or a read that takes long', async () => {
      await withStore(async (store, schema) => {
        await store.openSession('s', { node: 'n', version: '1' });
        await store.write([insertOf('a', { dueInMs: -1 })]);
        const holder = new pg.Client({ connectionString: url() });
        await holder.connect();
        try {
          await holder.query(`begin; lock table ${schema}.transactions in access exclusive mode`);
          const claim = store.claimDue({ session: 's', limit: 1, groups: [] });
          await untilWaiting(1);
          expect((await store.heartbeat('s')).alive).toBe(true);
          await holder.query('rollback');
          expect((await claim).claimed).toHaveLength(1);
        } finally {
          await holder.end();
        }
      });
    });
  });

  describe('statements that wait', () => {
    it('are abandoned after their timeout, and nothing of them is applied', async () => {
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

    it('do not make the records that they were to read count as unreadable', async () => {
      await withStore(
        async (store, schema) => {
          await store.write([insertOf('a')]);
          const holder = new pg.Client({ connectionString: url() });
          await holder.connect();
          try {
            // As a change of the table does; the records themselves can be read all the time.
            await holder.query(`begin; lock table ${schema}.entries in access exclusive mode`);
            await expect(store.get([{ namespace: 'default', gid: 'a' }])).rejects.toMatchObject({
              code: 'unavailable',
            });
            await holder.query('rollback');
            const [record] = await store.get([{ namespace: 'default', gid: 'a' }]);
            expect(record).toMatchObject({ version: 1 });
            expect(record?.unreadable).toBeUndefined();
          } finally {
            await holder.end();
          }
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

    it('are sent again after a deadlock with a client that locks records in another order', async () => {
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

  it('a statement whose result changed with its table is prepared again, by reads and by writes', async () => {
    await withStore(async (store, schema) => {
      await store.write([insertOf('a')]);
      await store.get([insertOf('a').key]);
      await store.write([updateOf('a', { expectVersion: 9 })]);
      await run(`alter table ${schema}.transactions alter column claims type bigint`);
      expect(await store.get([insertOf('a').key])).toMatchObject([{ version: 1 }]);
      expect(await store.write([updateOf('a', { expectVersion: 9 }), updateOf('b')])).toMatchObject([
        { kind: 'conflict', version: 1 },
        { kind: 'missing' },
      ]);
    });
  });

  describe('a record whose change the server rejects', () => {
    const trigger = (schema: string, condition: string): string => `
      create function ${schema}.refuse() returns trigger language plpgsql as
        $$ begin if ${condition} then raise exception 'not this one'; end if; return new; end $$;
      create trigger refuse before insert or update on ${schema}.transactions
        for each row execute function ${schema}.refuse()`;

    it('is left out of its batch: its item is blocked, and the others are applied', async () => {
      await withStore(async (store, schema) => {
        await store.write(['a', 'b', 'c'].map((gid) => insertOf(gid)));
        await run(trigger(schema, `new.gid in ('b', 'y')`));
        const batch = [updateOf('a'), updateOf('b'), appendOf('c', 'e'), insertOf('x'), insertOf('y')];
        for (let time = 0; time < 2; time++)
          expect((await store.write(batch)).map(({ kind }) => kind)).toEqual([
            'applied',
            'blocked',
            'applied',
            'applied',
            'blocked',
          ]);
        await run(`drop trigger refuse on ${schema}.transactions`);
        expect((await store.write(batch)).map(({ kind }) => kind)).toEqual(Array(5).fill('applied'));
        expect((await store.count()).byStatus.submitted).toBe(5);
      });
    });

    it('is left out only while others succeed: a server that rejects every item is unavailable', async () => {
      await withStore(async (store, schema) => {
        await run(trigger(schema, 'true'));
        await expect(store.write([insertOf('a'), insertOf('b')])).rejects.toMatchObject({ code: 'unavailable' });
      });
    });
  });

  describe('opening', () => {
    it('works for many nodes at once on an empty database', async () => {
      const schema = newSchema();
      await expectToOpenAtOnce(() => createPostgresStore({ url: url(), schema }));
    });

    it('rejects a schema of a newer Holdfast and does not change it', async () => {
      const schema = newSchema();
      await run(`create schema ${schema}; create table ${schema}.schema_version (version integer not null);
        insert into ${schema}.schema_version values (99)`);
      const store = createPostgresStore({ url: url(), schema });
      for (let attempt = 0; attempt < 2; attempt++)
        await expect(store.open()).rejects.toMatchObject({ code: 'unsupported_format' });
      expect(await run(`select tablename from pg_tables where schemaname = '${schema}'`)).toHaveLength(1);
    });

    it.each(['user', 'table', 'order'])('takes a schema whose name is a word of SQL: %s', async (schema) => {
      const store = createPostgresStore({ url: url(), schema });
      await store.open();
      expect(await store.write([insertOf('a')])).toMatchObject([{ kind: 'applied' }]);
      await store.close();
      await store.open();
      expect(await store.versions([insertOf('a').key])).toEqual([1]);
      await store.close();
    });

    it('uses a schema that another role created for it', async () => {
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

    it('warns about what a crash may lose, and is not durable then', async () => {
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

    it('fails when the response is not of the protocol, and the process keeps running', async () => {
      const stranger = createServer((socket) => {
        socket.on('error', () => undefined);
        // A demand for an authentication that does not exist: the client library throws while it
        // decodes this.
        socket.on('data', () => socket.write(Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 99])));
      }).listen(0, '127.0.0.1');
      await once(stranger, 'listening');
      const { port } = stranger.address() as AddressInfo;
      const store = createPostgresStore({ url: `postgres://user@127.0.0.1:${port}/db` });
      await expect(store.open()).rejects.toMatchObject({
        code: 'unavailable',
        message: expect.stringContaining('Unknown authenticationOk message') as string,
      });
      stranger.close();
    });

    it('names the server that cannot be reached, and no password', async () => {
      const port = await freePort();
      const store = createPostgresStore({ url: `postgres://user:hunter2@127.0.0.1:${port}/db` });
      await expectUnreachable(store, `127.0.0.1:${port}/db`, 'hunter2');
    });
  });
});
