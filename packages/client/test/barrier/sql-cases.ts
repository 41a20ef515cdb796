import { randomUUID } from 'node:crypto';
import { expect, it, onTestFinished } from 'vitest';
import { type BranchKey, CommitUnknown, LocalTransactionRefused } from '../../src/barrier/barrier.ts';
import type { DatabaseBarrier } from '../../src/barrier/create-barrier.ts';
import { BarrierUnusable, BarrierUseUnclear, TransactionEnded } from '../../src/barrier/errors.ts';
import { runInBranch } from '../../src/participants/branch-context.ts';
import { losingProxy } from './losing-proxy.ts';

/** A barrier's row as it is stored in the table. */
export interface StoredRow {
  readonly trans_type: string;
  readonly gid: string;
  readonly branch_id: string;
  readonly op: string;
  readonly barrier_id: string;
  readonly reason: string;
}

interface Place<Tx extends Open, Open> {
  readonly barrier: DatabaseBarrier<Tx, Open>;
  readonly add: (tx: Tx, amount: number) => Promise<unknown>;
  readonly read: () => Promise<number>;
}

/** What the cases need of a database. */
export interface SqlWorld<Tx extends Open, Open> {
  readonly server: { readonly url: string };
  createPlace(options?: { readonly table?: string }): Promise<Place<Tx, Open>>;
  /** A barrier on separate connections. */
  connect(url: string): { readonly barrier: DatabaseBarrier<Tx, Open>; readonly close: () => Promise<void> };
  /** A transaction that the application begins itself. */
  begin(): Promise<{ readonly tx: Tx; readonly end: (how: 'commit' | 'rollback') => Promise<void> }>;
  /** Rows in the order in which they were inserted. */
  rows(gid: string): Promise<readonly StoredRow[]>;
  plant(row: StoredRow): Promise<void>;
  execute(statement: string): Promise<unknown>;
  /** Creates a table as described in dtm's documentation. */
  createDtmTable(table: string): Promise<void>;
  /** Ends the transaction; the work then continues as if nothing had happened. */
  breakTransaction(tx: Tx): Promise<unknown>;
  /** The error of a transaction that the database rolled back in favour of another. */
  lost(): Error;
  /** Makes the server reject the transaction with "lost against another transaction". */
  lose(tx: Tx): Promise<unknown>;
  /** Rolls back and begins again on the same connection. */
  restart(tx: Tx): Promise<void>;
}

const callOf = (op: string, gid: string): BranchKey => ({ gid, transType: 'saga', branchId: '01', op });
const row = (gid: string, op: string, reason: string, barrier = '01'): StoredRow => ({
  trans_type: 'saga',
  gid,
  branch_id: '01',
  op,
  barrier_id: barrier,
  reason,
});
const messageRow = (gid: string, reason: string): StoredRow => ({
  ...row(gid, 'msg', reason),
  trans_type: 'msg',
  branch_id: '00',
});

/** What barriers in SQL databases promise beyond the suite of all barriers. */
export function sqlCases<Tx extends Open, Open>(worldOf: () => SqlWorld<Tx, Open>): void {
  rowCases(worldOf);
  transactionCases(worldOf);
  lostCases(worldOf);
  withinCases(worldOf);
  tableCases(worldOf);
}

function rowCases<Tx extends Open, Open>(worldOf: () => SqlWorld<Tx, Open>): void {
  it("writes the rows that dtm's clients write", async () => {
    const world = worldOf();
    const { barrier, add } = await world.createPlace();
    const [gid, empty, sent, given] = ['a', 'b', 'c', 'd'].map((letter) => `${letter}-${randomUUID()}`) as [
      string,
      string,
      string,
      string,
    ];
    const call = callOf('action', gid);
    await barrier.run(call, (tx) => add(tx, 1));
    await barrier.run(call, (tx) => add(tx, 1));
    await barrier.run(callOf('compensate', gid), (tx) => add(tx, -1));
    expect(await world.rows(gid)).toEqual([
      row(gid, 'action', 'action'),
      row(gid, 'action', 'action', '02'),
      row(gid, 'compensate', 'compensate'),
    ]);
    await barrier.run(callOf('compensate', empty), (tx) => add(tx, -1));
    expect(await world.rows(empty)).toEqual([
      row(empty, 'action', 'compensate'),
      row(empty, 'compensate', 'compensate'),
    ]);
    await barrier.message(sent, (tx) => add(tx, 1));
    expect(await world.rows(sent)).toEqual([messageRow(sent, 'msg')]);
    await barrier.checkBack(given);
    expect(await world.rows(given)).toEqual([messageRow(given, 'rollback')]);
  });

  it("honours the rows that dtm's clients wrote", async () => {
    const world = worldOf();
    const { barrier, add, read } = await world.createPlace();
    const gid = randomUUID();
    for (const planted of [row(gid, 'action', 'action'), messageRow(gid, 'msg')]) await world.plant(planted);
    expect(await barrier.run(callOf('action', gid), (tx) => add(tx, 1))).toEqual({ ran: false, why: 'repeated' });
    expect(await barrier.run(callOf('compensate', gid), (tx) => add(tx, -1))).toMatchObject({ ran: true });
    expect(await barrier.checkBack(gid)).toBe('committed');
    const refused = randomUUID();
    await world.plant(messageRow(refused, 'rollback'));
    await expect(barrier.message(refused, (tx) => add(tx, 1))).rejects.toBeInstanceOf(LocalTransactionRefused);
    expect(await barrier.checkBack(refused)).toBe('refused');
    expect(await read()).toBe(-1);
  });

  it('deletes old rows, oldest first, in batches of the given size', async () => {
    const world = worldOf();
    const { barrier } = await world.createPlace({ table: 'purged' });
    await barrier.ensureSchema();
    for (let i = 0; i < 5; i++) await barrier.run(callOf('action', `g${i}`), () => 0);
    expect(await barrier.purge({ olderThanMs: 3_600_000, limit: 10 })).toBe(0);
    await world.execute("update purged set create_time = '2001-01-01 00:00:00' where gid in ('g1', 'g3', 'g4')");
    await world.execute("update purged set create_time = '2000-01-01 00:00:00' where gid = 'g3'");
    const purge = () => barrier.purge({ olderThanMs: 3_600_000, limit: 1 });
    expect(await purge()).toBe(1);
    expect(await barrier.run(callOf('action', 'g3'), () => 0)).toMatchObject({ ran: true });
    expect([await purge(), await purge(), await purge()]).toEqual([1, 1, 0]);
    expect(await barrier.run(callOf('action', 'g0'), () => 0)).toMatchObject({ ran: false });
    await world.execute("update purged_result set create_time = '2001-01-01 00:00:00'");
    const results = [await purge(), await purge(), await purge(), await purge(), await purge(), await purge()];
    expect(results).toEqual([1, 1, 1, 1, 1, 0]);
    expect(await barrier.run(callOf('action', 'g0'), () => 0)).toEqual({ ran: false, why: 'repeated' });
    await expect(barrier.purge({ olderThanMs: -1, limit: 1 })).rejects.toThrow(RangeError);
    await expect(barrier.purge({ olderThanMs: 1, limit: 10_001 })).rejects.toThrow(RangeError);
  });
}

function transactionCases<Tx extends Open, Open>(worldOf: () => SqlWorld<Tx, Open>): void {
  it('a commit whose response is lost throws CommitUnknown; the check-back and a repeated call report the outcome', async () => {
    const world = worldOf();
    const { add, read } = await world.createPlace();
    for (const [amount, start] of [
      [1, (barrier: DatabaseBarrier<Tx, Open>, gid: string) => barrier.message(gid, (tx) => add(tx, 1))],
      [2, (barrier: DatabaseBarrier<Tx, Open>, gid: string) => barrier.run(callOf('action', gid), (tx) => add(tx, 1))],
    ] as const) {
      const proxy = await losingProxy(world.server.url);
      const { barrier, close } = world.connect(proxy.url);
      onTestFinished(async () => {
        await close();
        await proxy.close();
      });
      const gid = randomUUID();
      await expect(start(barrier, gid)).rejects.toBeInstanceOf(CommitUnknown);
      expect(await read()).toBe(amount);
      // The same pool can be used: the connection in doubt has been removed from it.
      if (amount === 1) expect(await barrier.checkBack(gid)).toBe('committed');
      else
        expect(await barrier.run(callOf('action', gid), (tx) => add(tx, 1))).toMatchObject({
          ran: false,
          why: 'repeated',
        });
    }
  });

  it('a handler that repeats a numbered use after a lost commit response finds it carried out', async () => {
    const world = worldOf();
    const { add, read } = await world.createPlace();
    const proxy = await losingProxy(world.server.url);
    const { barrier, close } = world.connect(proxy.url);
    onTestFinished(async () => {
      await close();
      await proxy.close();
    });
    const call = callOf('action', randomUUID());
    await expect(barrier.run(call, (tx) => add(tx, 1))).rejects.toBeInstanceOf(CommitUnknown);
    await expect(barrier.run(call, (tx) => add(tx, 1))).rejects.toBeInstanceOf(BarrierUseUnclear);
    const numbered = await barrier.run({ ...call, use: 1 }, (tx) => add(tx, 1));
    expect(numbered).toMatchObject({ ran: false, why: 'repeated' });
    expect(await read()).toBe(1);
  });

  it('a transaction that ended during the work is not a success', async () => {
    const world = worldOf();
    const { barrier, add } = await world.createPlace();
    const gid = randomUUID();
    const ended = barrier.run(callOf('action', gid), async (tx) => {
      await add(tx, 1);
      await world.breakTransaction(tx);
    });
    await expect(ended).rejects.toBeInstanceOf(TransactionEnded);
    expect(await world.rows(gid)).toEqual([]);
    expect(await barrier.run(callOf('action', gid), () => 'done')).toEqual({ ran: true, value: 'done' });
  });

  it('rejects a call that does not use a barrier', async () => {
    const { barrier } = await worldOf().createPlace();
    await expect(barrier.run({ ...callOf('msg', 'g'), transType: 'msg' }, () => 0)).rejects.toThrow('checkBack');
    await expect(barrier.run(callOf('action', 'g'.repeat(129)), () => 0)).rejects.toThrow(RangeError);
    await expect(barrier.checkBack('')).rejects.toThrow(RangeError);
  });
}

/** A handler repeats the use that lost against another transaction, or continues. */
function lostCases<Tx extends Open, Open>(worldOf: () => SqlWorld<Tx, Open>): void {
  it('a use that lost against another transaction is repeated under its number, and undone once', async () => {
    const world = worldOf();
    const { barrier, add, read } = await world.createPlace();
    const gid = randomUUID();
    for (const op of ['action', 'compensate']) {
      const amount = op === 'action' ? 30 : -30;
      for (const ran of [true, false]) {
        const call = callOf(op, gid);
        if (ran)
          for (const message of ['lost', 'wrapped'])
            await expect(
              barrier.run(call, async (tx) => {
                await add(tx, amount);
                await world.lose(tx).catch((cause: unknown) => {
                  throw message === 'lost' ? cause : new Error(message, { cause });
                });
              }),
            ).rejects.toThrow(message);
        expect(await barrier.run(call, (tx) => add(tx, amount))).toMatchObject({ ran });
        if (ran) expect(await barrier.run(call, (tx) => add(tx, amount))).toMatchObject({ ran });
      }
      expect(await read()).toBe(op === 'action' ? 60 : 0);
    }
  });

  it('a handler that continues after a use that lost does nothing twice', async () => {
    const world = worldOf();
    const { barrier, add, read } = await world.createPlace();
    const gid = randomUUID();
    const handler = async (bonus: (tx: Tx) => unknown): Promise<void> => {
      const call = callOf('action', gid);
      await barrier.run(call, bonus).catch(() => undefined);
      await barrier.run(call, (tx) => add(tx, 10));
    };
    await handler(() => Promise.reject(world.lost()));
    expect(await read()).toBe(10);
    for (let times = 0; times < 2; times++)
      await expect(handler((tx) => add(tx, 1))).rejects.toBeInstanceOf(BarrierUseUnclear);
    expect(await read()).toBe(10);
    // The handler continues when it uses the numbers that the uses have in the database.
    expect(await barrier.run({ ...callOf('action', gid), use: 2 }, (tx) => add(tx, 1))).toMatchObject({ ran: true });
  });

  it('a repetition of a use that another request carried out is rejected', async () => {
    const world = worldOf();
    const { barrier, add, read } = await world.createPlace();
    const gid = randomUUID();
    const call = callOf('action', gid);
    await expect(barrier.run(call, () => Promise.reject(world.lost()))).rejects.toThrow();
    await barrier.run(callOf('action', gid), (tx) => add(tx, 1));
    await expect(barrier.run(call, (tx) => add(tx, 10))).rejects.toBeInstanceOf(BarrierUseUnclear);
    expect(await barrier.run(callOf('action', gid), (tx) => add(tx, 1))).toMatchObject({ why: 'repeated' });
    expect(await read()).toBe(1);
  });

  it('a use that lost is not repeated by count when one within it was committed', async () => {
    const world = worldOf();
    const { barrier, add, read } = await world.createPlace();
    const call = callOf('action', randomUUID());
    const outer = () =>
      barrier.run(call, async () => {
        await barrier.run(call, (tx) => add(tx, 1));
        throw world.lost();
      });
    await expect(outer()).rejects.toThrow('lost');
    await expect(outer()).rejects.toBeInstanceOf(BarrierUseUnclear);
    expect(await read()).toBe(1);
  });

  it('work that lost within a transaction of the application is repeated under its number', async () => {
    const world = worldOf();
    const { barrier, add, read } = await world.createPlace();
    const gid = randomUUID();
    const call = callOf('action', gid);
    const failed = await world.begin();
    await expect(barrier.within(failed.tx, call, () => Promise.reject(world.lost()))).rejects.toThrow('lost');
    await failed.end('rollback');
    const { tx, end } = await world.begin();
    expect(await barrier.within(tx, call, () => add(tx, 1))).toMatchObject({ ran: true });
    await end('commit');
    expect(await barrier.run(callOf('compensate', gid), (open) => add(open, -1))).toMatchObject({ ran: true });
    expect(await read()).toBe(0);
  });
}

function withinCases<Tx extends Open, Open>(worldOf: () => SqlWorld<Tx, Open>): void {
  it('works within a transaction of the application, and commits or rolls back with it', async () => {
    const world = worldOf();
    const { barrier, add, read } = await world.createPlace();
    const gid = randomUUID();
    const results = [];
    for (const how of ['rollback', 'commit', 'commit'] as const) {
      const { tx, end } = await world.begin();
      results.push((await barrier.within(tx, callOf('action', gid), () => add(tx, 1))).ran);
      await end(how);
    }
    expect(results).toEqual([true, true, false]);
    expect(await read()).toBe(1);
  });

  it('uses in one transaction are counted; one in a further transaction has a number', async () => {
    const world = worldOf();
    const { barrier, add, read } = await world.createPlace();
    const gid = randomUUID();
    for (const op of ['action', 'compensate'] as const) {
      const amount = op === 'action' ? 1 : -1;
      for (const how of ['rollback', 'rollback', 'commit'] as const) {
        const call = callOf(op, gid);
        const { tx, end } = await world.begin();
        expect(await barrier.within(tx, call, () => add(tx, amount))).toMatchObject({ ran: true });
        expect(await barrier.within(tx, call, () => add(tx, 10 * amount))).toMatchObject({ ran: true });
        await end(how);
        await expect(barrier.run(call, (open) => add(open, 100 * amount))).rejects.toBeInstanceOf(BarrierUseUnclear);
      }
      const third = { ...callOf(op, gid), use: 3 };
      expect(await barrier.run(third, (tx) => add(tx, 100 * amount))).toMatchObject({ ran: true });
      const numbers = (await world.rows(gid)).flatMap((one) => (one.op === op ? [one.barrier_id] : []));
      expect(numbers).toEqual(['01', '02', '03']);
    }
    expect(await read()).toBe(0);
  });

  it('a counted use in a second transaction is rejected, whether the first is open, committed or rolled back', async () => {
    const world = worldOf();
    const { barrier, add, read } = await world.createPlace();
    for (const how of ['commit', 'rollback', 'open'] as const) {
      const call = callOf('action', randomUUID());
      const [first, second] = [await world.begin(), await world.begin()];
      await barrier.within(first.tx, call, () => add(first.tx, 1));
      if (how !== 'open') await first.end(how);
      await expect(barrier.within(second.tx, call, () => add(second.tx, 1))).rejects.toThrow('{ ...call, use: 2 }');
      await second.end('rollback');
      if (how === 'open') await first.end('rollback');
    }
    expect(await read()).toBe(1);
  });

  it('a counted use in a transaction that the same connection began after a rollback is rejected', async () => {
    const world = worldOf();
    const { barrier, add, read } = await world.createPlace();
    const gid = randomUUID();
    const call = callOf('action', gid);
    const { tx, end } = await world.begin();
    await barrier.within(tx, call, () => add(tx, 1));
    await world.restart(tx);
    await expect(barrier.within(tx, call, () => add(tx, 1))).rejects.toBeInstanceOf(BarrierUseUnclear);
    expect(await barrier.within(tx, { ...call, use: 1 }, () => add(tx, 1))).toMatchObject({ ran: true });
    await end('commit');
    expect(await read()).toBe(1);
    expect(await world.rows(gid)).toEqual([row(gid, 'action', 'action')]);
  });

  it('numbered uses in two barrier tables are each carried out once', async () => {
    const world = worldOf();
    await world.createDtmTable('west_barrier');
    const [here, there] = [await world.createPlace(), await world.createPlace({ table: 'west_barrier' })];
    const gid = randomUUID();
    for (const ran of [true, false])
      for (const [place, use] of [
        [here, 1],
        [there, 2],
      ] as const) {
        const { tx, end } = await world.begin();
        const call = { ...callOf('action', gid), use };
        expect(await place.barrier.within(tx, call, () => place.add(tx, 1))).toMatchObject({ ran });
        await end('commit');
      }
    expect([await here.read(), await there.read()]).toEqual([1, 1]);
  });

  it('copies of a call, and two barriers over one pool, count the uses of a handler together', async () => {
    const world = worldOf();
    const [{ barrier, add, read }, other] = [await world.createPlace(), await world.createPlace()];
    const gid = randomUUID();
    for (const op of ['action', 'compensate'] as const) {
      const amount = op === 'action' ? 1 : -1;
      for (const ran of [true, false]) {
        const served = { ...callOf(op, gid), payload: undefined, query: new URLSearchParams() };
        await runInBranch(served, async () => {
          expect(await barrier.run({ ...served }, (tx) => add(tx, amount))).toMatchObject({ ran });
          expect(await other.barrier.run({ ...served }, (tx) => add(tx, 10 * amount))).toMatchObject({ ran });
          const { tx, end } = await world.begin();
          for (const times of [100, 1_000])
            expect(await barrier.within(tx, { ...served }, () => add(tx, times * amount))).toMatchObject({ ran });
          await end('commit');
        });
      }
      expect(await read()).toBe(op === 'action' ? 1_111 : 0);
    }
  });

  it('sends a message within a transaction of the application', async () => {
    const world = worldOf();
    const { barrier, add, read } = await world.createPlace();
    const gid = randomUUID();
    const first = await world.begin();
    await barrier.messageWithin(first.tx, gid, () => add(first.tx, 1));
    await first.end('commit');
    expect(await barrier.checkBack(gid)).toBe('committed');
    const second = await world.begin();
    await expect(barrier.messageWithin(second.tx, gid, () => add(second.tx, 1))).rejects.toThrow(
      LocalTransactionRefused,
    );
    await second.end('rollback');
    expect(await read()).toBe(1);
  });
}

function tableCases<Tx extends Open, Open>(worldOf: () => SqlWorld<Tx, Open>): void {
  it('creates several tables in one schema, each once when many callers create it concurrently', async () => {
    const world = worldOf();
    const tables = ['first_of_many', 'second_of_many', 'dtm_barrier.third_of_many', 'n'.repeat(48)];
    for (const table of tables) {
      const places = await Promise.all(Array.from({ length: 10 }, () => world.createPlace({ table })));
      await Promise.all(places.map(({ barrier }) => barrier.ensureSchema()));
      const gid = randomUUID();
      for (const [index, { barrier }] of places.entries())
        expect(await barrier.run(callOf('action', gid), () => table)).toEqual(
          index === 0 ? { ran: true, value: table } : { ran: false, why: 'repeated', value: table },
        );
    }
  });

  it('rejects an existing table that is not a barrier table', async () => {
    const world = worldOf();
    await world.execute('create table orders (id int primary key)');
    const { barrier } = await world.createPlace({ table: 'orders' });
    await expect(barrier.ensureSchema()).rejects.toThrow(/orders.? has no column trans_type/);
    await expect(barrier.ensureSchema()).rejects.toBeInstanceOf(BarrierUnusable);
  });

  it("rejects a table whose table of results is another barrier's table, and vice versa", async () => {
    const world = worldOf();
    for (const [first, second] of [
      ['shop_result', 'shop'],
      ['bank', 'bank_result'],
    ] as const) {
      await (await world.createPlace({ table: first })).barrier.ensureSchema();
      const { barrier } = await world.createPlace({ table: second });
      await expect(barrier.ensureSchema()).rejects.toBeInstanceOf(BarrierUnusable);
    }
  });

  it('reports how to create a missing table', async () => {
    const { barrier } = await worldOf().createPlace({ table: 'nowhere.barrier' });
    const run = barrier.run(callOf('action', 'g'), () => 0);
    await expect(run).rejects.toBeInstanceOf(BarrierUnusable);
    await expect(run).rejects.toThrow('holdfast barrier-schema --database');
  });

  it("works on a table that was made for dtm's clients", async () => {
    const world = worldOf();
    await world.createDtmTable('made_for_dtm');
    const { barrier, add, read } = await world.createPlace({ table: 'made_for_dtm' });
    expect(await barrier.run(callOf('compensate', 'g'), (tx) => add(tx, -1))).toEqual({ ran: false, why: 'empty' });
    await expect(barrier.run(callOf('action', 'g'), (tx) => add(tx, 1))).rejects.toThrow('was undone before');
    expect(await barrier.run(callOf('action', 'h'), (tx) => add(tx, 1))).toMatchObject({ ran: true });
    expect(await barrier.run(callOf('compensate', 'h'), (tx) => add(tx, -1))).toMatchObject({ ran: true });
    expect(await read()).toBe(0);
    // As an installation without a table of results: it works as before, and keeps results once
    // there is one.
    const repeated = { ran: false, why: 'repeated' };
    const receipt = (gid: string) => barrier.run(callOf('confirm', gid), () => 'receipt');
    expect([await receipt('h'), await receipt('h')]).toEqual([{ ran: true, value: 'receipt' }, repeated]);
    await barrier.ensureSchema();
    expect([await receipt('i'), await receipt('i')]).toEqual([
      { ran: true, value: 'receipt' },
      { ...repeated, value: 'receipt' },
    ]);
    expect(await receipt('h')).toEqual(repeated);
    await world.execute("delete from made_for_dtm where op = 'confirm'");
    await world.execute("update made_for_dtm set create_time = '2001-01-01 00:00:00' where create_time is not null");
    expect(await barrier.purge({ olderThanMs: 3_600_000, limit: 100 })).toBe(4);
  });
}
