import { freePort } from '@holdfast/testing/servers';
import { type Connection, createConnection } from 'mysql2/promise';
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
} from '@holdfast/testing/store-cases';
import { createMysqlStore, type MysqlStoreOptions } from '../src/index.ts';
import { tablesOf } from '../src/schema.ts';
import { newPrefix, useServer } from '@holdfast/testing/mysql';

/**
 * The server caches its list of transactions until it has not been queried for 0.1 s.
 */
const UNCACHED = { interval: 200, timeout: 20_000 };

describeWith(['mariadb'], 'failures on a real server', () => {
  const { url, server, run } = useServer();

  /** Runs a body with an open store in new tables. */
  const withStore = withStoreAt<MysqlStoreOptions>(newPrefix, (prefix, options) =>
    createMysqlStore({ url: url(), prefix, ...options }),
  );

  async function withClient(body: (client: Connection) => Promise<void>): Promise<void> {
    const client = await createConnection({ uri: url() });
    try {
      await body(client);
    } finally {
      await client.end();
    }
  }

  /** Holds the row of a gid on another connection while the body runs. */
  const holding = (prefix: string, gid: string, body: (release: () => Promise<void>) => Promise<void>): Promise<void> =>
    withClient(async (holder) => {
      await holder.query('start transaction');
      await holder.query(`select 1 from ${prefix}transactions where id = ? for update`, [`default\0${gid}`]);
      await body(async () => void (await holder.query('rollback')));
    });

  /**
   * innodb_trx may be out of date and show transactions of a previous test. A transaction that
   * waits now is carrying out a statement.
   */
  const waiting = `select trx_mysql_thread_id as id from information_schema.innodb_trx
    join information_schema.processlist on processlist.id = trx_mysql_thread_id and info is not null where trx_state = 'LOCK WAIT'`;
  async function untilWaiting(count: number): Promise<number[]> {
    return vi.waitFor(async () => {
      const rows = await run(waiting);
      expect(rows.length).toBeGreaterThanOrEqual(count);
      return rows.map((row) => Number(row['id']));
    }, UNCACHED);
  }

  it('a heartbeat does not wait for a claim or a read that takes long', async () => {
    await withStore((store, prefix) =>
      withClient(async (holder) => {
        await store.openSession('s', { node: 'n', version: '1' });
        await store.write([insertOf('a', { dueInMs: -1 })]);
        await holder.query(`lock tables ${prefix}transactions write`);
        const claim = store.claimDue({ session: 's', limit: 1, groups: [] });
        const stuck = `select 1 from information_schema.processlist where state like 'Waiting for table metadata lock%'`;
        await vi.waitFor(async () => expect(await run(stuck)).toHaveLength(1), UNCACHED);
        expect((await store.heartbeat('s')).alive).toBe(true);
        await holder.query('unlock tables');
        expect((await claim).claimed).toHaveLength(1);
      }),
    );
  });

  // An interrupted statement may have been waiting for its commit, which still completes.
  it.each([
    ['a connection that is lost', 'kill'],
    ['a statement that is interrupted', 'kill query'],
  ])('%s leaves a write in doubt; sent again it is applied once, or finds itself', async (_, kill) => {
    await withStore((store, prefix) =>
      expectDoubtThatResolves(store, (send) =>
        holding(prefix, 'a', async (release) => {
          const sent = send();
          for (const id of await untilWaiting(1)) await run(`${kill} ${id}`);
          await sent;
          await release();
        }),
      ),
    );
  });

  describe('a connection that is lost', () => {
    it('is replaced by the next call', async () => {
      const others = `select id from information_schema.processlist where id <> connection_id() and user = 'holdfast'`;
      await withStore((store) =>
        expectNewConnection(store, async () => {
          for (const { id } of await run(others)) await run(`kill ${id}`).catch(() => undefined);
        }),
      );
    });
  });

  describe('a server that is killed', () => {
    it('is unavailable until it runs again, and then has everything that was acknowledged', async () => {
      await withStore((store) => expectToOutliveItsServer(store, server(), { writes: 20, first: untilResponse }));
    });
  });

  describe('calls that wait', () => {
    it('are abandoned after their timeout with an unknown outcome: the server may still carry them out', async () => {
      await withStore(
        async (store, prefix) => {
          await store.write([insertOf('a')]);
          const batch = [insertOf('b'), updateOf('a')];
          await holding(prefix, 'a', async () => {
            await expect(store.write(batch)).rejects.toMatchObject({ code: 'outcome_unknown' });
          });
          expect((await untilResponse(() => store.write(batch))).map(({ kind }) => kind)).toEqual([
            'applied',
            'applied',
          ]);
          expect(await store.versions([updateOf('a').key, insertOf('b').key])).toEqual([2, 1]);
        },
        { statementTimeoutMs: 500 },
      );
    });

    it('lock records in the order of their keys, so that two never wait for each other', async () => {
      await withStore(async (store, prefix) => {
        const other = createMysqlStore({ url: url(), prefix });
        await other.open();
        await store.write(['a', 'm', 'z'].map((gid) => insertOf(gid)));
        await holding(prefix, 'm', async (release) => {
          const first = store.write([updateOf('z'), updateOf('m'), updateOf('a')]);
          await untilWaiting(1);
          const second = other.write([updateOf('z'), updateOf('a')]);
          await untilWaiting(2);
          const free = `select gid from (select substr(id, 9) as gid from ${prefix}transactions where id in ('default\\0a', 'default\\0z') for update skip locked) free`;
          expect((await run(free)).map((row) => String(row['gid']))).toEqual(['z']);
          await release();
          expect((await first).map(({ kind }) => kind)).toEqual(['applied', 'applied', 'applied']);
          expect((await second).map(({ kind }) => kind)).toEqual(['applied', 'applied']);
        });
        await other.close();
      });
    });

    it('are sent again after a deadlock with a client that locks records in another order', async () => {
      await withStore(async (store, prefix) => {
        await store.write(['a', 'z'].map((gid) => insertOf(gid)));
        await withClient(async (rude) => {
          const row = (gid: string): string => `${prefix}transactions where id = 'default\\0${gid}' for update`;
          // The lighter transaction is the one that is ended: this one has changed many rows.
          await rude.query('start transaction');
          await rude.query(`create temporary table heavy (n int) engine = InnoDB`);
          await rude.query(`insert into heavy select seq from seq_1_to_1000`);
          await rude.query(`select 1 from ${row('z')}`);
          const outcomes = store.write([updateOf('a'), updateOf('z'), insertOf('b')]);
          await untilWaiting(1);
          // Waits for the store, which waits for it: the server ends the call of the store.
          await rude.query(`select 1 from ${row('a')}`);
          await rude.query('rollback');
          expect((await outcomes).map(({ kind }) => kind)).toEqual(['applied', 'applied', 'applied']);
        });
      });
    });

    it('and a batch that cannot be stored leaves nothing behind, nor open', async () => {
      await withStore(async (store, prefix) => {
        await run(`alter table ${prefix}transactions modify write_id varbinary(20) not null`);
        const tooLong = insertOf('b', { writeId: 'w'.repeat(100) });
        await expect(store.write([insertOf('a'), tooLong])).rejects.toMatchObject({ code: 'rejected' });
        expect(await store.get([insertOf('a').key])).toEqual([undefined]);
        await vi.waitFor(
          async () => expect(await run(`select 1 from information_schema.innodb_trx`)).toEqual([]),
          UNCACHED,
        );
        expect(await store.write([insertOf('a')])).toMatchObject([{ kind: 'applied' }]);
      });
    });

    it('and an append meets entries that another node appended concurrently', async () => {
      await withStore(async (store, prefix) => {
        const other = createMysqlStore({ url: url(), prefix });
        await other.open();
        await store.write([insertOf('a')]);
        await holding(prefix, 'a', async (release) => {
          const both = [store.write([appendOf('a', 'one')]), other.write([appendOf('a', 'two')])];
          await untilWaiting(2);
          await release();
          expect((await Promise.all(both)).map(([outcome]) => outcome?.kind)).toEqual(['applied', 'applied']);
        });
        const [record] = await store.get([insertOf('a').key]);
        expect(record?.entries.map(({ key }) => key).toSorted()).toEqual(['one', 'two']);
        expect(record?.version).toBe(3);
        await other.close();
      });
    });
  });

  it('a record whose change the server rejects is left out of its batch: its item is blocked, and the others are applied', async () => {
    await withStore(async (store, prefix) => {
      await store.write(['a', 'b', 'c'].map((gid) => insertOf(gid)));
      await run(`create trigger ${prefix}refuse before update on ${prefix}transactions for each row
        if new.id = concat('default', char(0), 'b') then signal sqlstate '45000' set message_text = 'not this one'; end if`);
      const batch = [updateOf('a'), updateOf('b'), appendOf('c', 'e'), insertOf('x')];
      for (let time = 0; time < 2; time++)
        expect((await store.write(batch)).map(({ kind }) => kind)).toEqual([
          'applied',
          'blocked',
          'applied',
          'applied',
        ]);
      await run(`drop trigger ${prefix}refuse`);
      expect((await store.write(batch)).map(({ kind }) => kind)).toEqual(Array(4).fill('applied'));
      expect((await store.count()).byStatus.submitted).toBe(4);
    });
  });

  describe('opening', () => {
    it('works for many nodes at once on an empty database', async () => {
      const prefix = newPrefix();
      await expectToOpenAtOnce(() => createMysqlStore({ url: url(), prefix }));
    });

    it('rejects tables of a newer Holdfast and does not change them', async () => {
      const prefix = newPrefix();
      const { schemaVersion } = tablesOf(prefix);
      await run(`create table ${schemaVersion} (version int not null, primary key (version))`);
      await run(`insert into ${schemaVersion} values (99)`);
      const store = createMysqlStore({ url: url(), prefix });
      for (let attempt = 0; attempt < 2; attempt++)
        await expect(store.open()).rejects.toMatchObject({ code: 'unsupported_format' });
      expect(await run(`show tables like '${prefix.replace('_', '\\_')}%'`)).toHaveLength(1);
    });

    it('resumes an interrupted migration', async () => {
      await withStore(async (store, prefix) => {
        await run(`delete from ${tablesOf(prefix).schemaVersion}; drop table ${tablesOf(prefix).marks}`);
        await store.close();
        const again = createMysqlStore({ url: url(), prefix });
        expect(await again.open()).toEqual({ found: 0, current: 1 });
        expect(await again.write([insertOf('a')])).toMatchObject([{ kind: 'applied' }]);
        await again.close();
      });
    });

    it('warns about what a crash may lose, and is not durable then', async () => {
      const warnings: string[] = [];
      await run('set global innodb_flush_log_at_trx_commit = 2');
      try {
        await withStore(async (store) => expect(store.capabilities.durable).toBe(false), {
          onWarning: (text) => warnings.push(text),
        });
      } finally {
        await run('set global innodb_flush_log_at_trx_commit = 1');
      }
      expect(warnings).toEqual([expect.stringContaining('innodb_flush_log_at_trx_commit is 2')]);
      await withStore(async (durable) => expect(durable.capabilities.durable).toBe(true));
    });

    it('is unavailable while the server is read-only, and is used again afterwards', async () => {
      await withStore(async (store) => {
        await run(`create or replace user reader@'127.0.0.1'; grant all on holdfast.* to reader@'127.0.0.1'`);
        const reader = new URL(url());
        reader.username = 'reader';
        const plain = createMysqlStore({ url: reader.href, prefix: newPrefix() });
        await plain.open();
        await run('set global read_only = 1');
        try {
          await expect(plain.write([insertOf('a')])).rejects.toMatchObject({ code: 'unavailable' });
        } finally {
          await run('set global read_only = 0');
        }
        expect(await untilResponse(() => plain.write([insertOf('a')]))).toMatchObject([{ kind: 'applied' }]);
        await plain.close();
        await store.nowMs();
      });
    });

    it('names the server that cannot be reached or entered, and no password', async () => {
      const wrongPassword = new URL(url());
      Object.assign(wrongPassword, { username: 'nobody', password: 'hunter2' });
      const port = await freePort();
      for (const [bad, where] of [
        [`mysql://user:hunter2@127.0.0.1:${port}/db`, `127.0.0.1:${port}/db`],
        [wrongPassword.href, wrongPassword.host],
      ] as const)
        await expectUnreachable(createMysqlStore({ url: bad }), where, 'hunter2');
    });
  });
});
