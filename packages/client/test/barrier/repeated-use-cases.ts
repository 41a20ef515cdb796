import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { BranchKey } from '../../src/barrier/barrier.ts';
import type { DatabaseBarrier } from '../../src/barrier/create-barrier.ts';
import { BarrierUseUnclear } from '../../src/barrier/errors.ts';

/** The parts of a database that these cases use. */
export interface ConflictWorld<Tx extends Open, Open> {
  createPlace(options: { readonly isolation: 'serializable' }): Promise<{
    readonly barrier: DatabaseBarrier<Tx, Open>;
    readonly add: (tx: Tx, amount: number) => Promise<unknown>;
    readonly read: () => Promise<number>;
  }>;
  /** A transaction that the application begins, at serializable. */
  beginSerializable(): Promise<{ readonly tx: Tx; readonly end: (how: 'commit' | 'rollback') => Promise<void> }>;
  /**
   * Lets another transaction win a conflict with this one, which must be serializable. Rejects with
   * the database's error.
   */
  loseConflict(tx: Tx): Promise<unknown>;
}

/** One use of a handler. */
interface Use<Tx> {
  readonly number: number;
  readonly work: (tx: Tx) => Promise<unknown>;
}

/** How a handler carries out its two uses, and which of its parts it repeats after an error. */
type Handler<Tx extends Open, Open> = (
  world: ConflictWorld<Tx, Open>,
  barrier: DatabaseBarrier<Tx, Open>,
  call: BranchKey,
  uses: readonly [Use<Tx>, Use<Tx>],
) => Promise<unknown>;

/** Enough for a handler that loses one conflict and is rejected once because of it. */
const MOST_REQUESTS = 5;

/**
 * A handler with several uses, one of which really loses a conflict. The handler, a wrapper around
 * it, or the coordinator repeats.
 */
export function repeatedUseCases<Tx extends Open, Open>(worldOf: () => ConflictWorld<Tx, Open>): void {
  describe('a handler with two uses, of which one loses a conflict: nothing is done twice, and all is undone', () => {
    for (const [name, handler] of Object.entries(handlers<Tx, Open>()))
      for (const loser of [0, 1, 2])
        it(`${name}; ${['the first', 'the second', 'each'][loser] ?? ''} loses`, async () => {
          const world = worldOf();
          const { barrier, add, read } = await world.createPlace({ isolation: 'serializable' });
          const gid = randomUUID();
          for (const op of ['action', 'compensate'] as const) {
            const sign = op === 'action' ? 1 : -1;
            let losses = 0;
            const lose = new Set(loser === 2 ? [0, 1] : [loser]);
            const use = (index: number): Use<Tx> => ({
              number: index + 1,
              work: async (tx) => {
                await add(tx, sign * (index === 0 ? 1 : 10));
                if (!lose.delete(index)) return;
                losses++;
                await world.loseConflict(tx);
              },
            });
            // The response of the first request that succeeds is lost: the coordinator calls again.
            for (let successes = 0, requests = 0; successes < 2; requests++) {
              expect(requests).toBeLessThan(MOST_REQUESTS);
              const call: BranchKey = { gid, transType: 'saga', branchId: '01', op };
              const uses = [use(0), use(1)] as const;
              const done = await handler(world, barrier, call, uses).then(
                () => true,
                (error: unknown) => {
                  if (!(error instanceof BarrierUseUnclear)) expect(lostConflict(error)).toBe(true);
                  return false;
                },
              );
              if (done) successes++;
            }
            expect(losses).toBe(loser === 2 ? 2 : 1);
            expect(await read()).toBe(op === 'action' ? 11 : 0);
          }
        });
  });

  it.each([0, 1])(
    'a handler that continues with the function of a lost use is rejected later, and does nothing twice (%i other uses)',
    async (others) => {
      const world = worldOf();
      const { barrier, add, read } = await world.createPlace({ isolation: 'serializable' });
      const gid = randomUUID();
      const amounts = [1, 10];
      let at = 0;
      let loses = true;
      const work = async (tx: Tx): Promise<void> => {
        await add(tx, amounts[at] ?? 0);
        if (!loses) return;
        loses = false;
        await world.loseConflict(tx);
      };
      const handler = async (): Promise<void> => {
        const call: BranchKey = { gid, transType: 'saga', branchId: '01', op: 'action' };
        const failures: unknown[] = [];
        for (at = 0; at < amounts.length; at++)
          await barrier.run(call, work).catch((error: unknown) => failures.push(error));
        for (let other = 0; other < others; other++) await barrier.run(call, (tx) => add(tx, 100));
        if (failures.length > 0) throw failures[0];
      };
      await expect(handler()).rejects.toSatisfy(lostConflict);
      await expect(handler()).rejects.toBeInstanceOf(BarrierUseUnclear);
      expect(await read()).toBe(10 + others * 100);
    },
  );

  it('a later use that lost a conflict is repeated within the request, if its code is that of no earlier one', async () => {
    const world = worldOf();
    const { barrier, add, read } = await world.createPlace({ isolation: 'serializable' });
    const gid = randomUUID();
    let losses = 0;
    const handler = async (op: string, sign: number): Promise<void> => {
      const call: BranchKey = { gid, transType: 'saga', branchId: '01', op };
      await barrier.run(call, (tx) => add(tx, sign));
      await again(() =>
        barrier.run(call, async (tx) => {
          await add(tx, 10 * sign);
          if (losses++ % 2 === 0) await world.loseConflict(tx);
        }),
      );
    };
    for (let times = 0; times < 2; times++) await handler('action', 1);
    expect(await read()).toBe(11);
    for (let times = 0; times < 2; times++) await handler('compensate', -1);
    expect(await read()).toBe(0);
    expect(losses).toBe(4);
  });
}

function handlers<Tx extends Open, Open>(): Readonly<Record<string, Handler<Tx, Open>>> {
  const inTwo: Handler<Tx, Open> = async (_world, barrier, call, [first, second]) => {
    await barrier.run(call, first.work);
    await barrier.run(call, second.work);
  };
  const inOne: Handler<Tx, Open> = (world, barrier, call, [first, second]) =>
    inOwn(world, async (tx) => {
      await barrier.within(tx, call, () => first.work(tx));
      await barrier.within(tx, call, () => second.work(tx));
    });
  const nested: Handler<Tx, Open> = (_world, barrier, call, [first, second]) =>
    barrier.run(call, async (tx) => {
      await barrier.run(call, second.work);
      await first.work(tx);
    });
  const nestedWithin: Handler<Tx, Open> = (_world, barrier, call, [first, second]) =>
    barrier.run(call, async (tx) => {
      await first.work(tx);
      await barrier.within(tx, call, () => second.work(tx));
    });
  const twice =
    (handler: Handler<Tx, Open>): Handler<Tx, Open> =>
    (world, barrier, call, uses) =>
      again(() => handler(world, barrier, call, uses));
  return {
    'two run, each repeated by the handler': async (_world, barrier, call, uses) => {
      for (const { work } of uses) await again(() => barrier.run(call, work));
    },
    'two run, all of it repeated': twice(inTwo),
    'two run, repeated by the coordinator alone': inTwo,
    'two numbered run, all of it repeated': twice(async (_world, barrier, call, uses) => {
      for (const { number, work } of uses) await barrier.run({ ...call, use: number }, work);
    }),
    'two within of one transaction, all of it repeated': twice(inOne),
    'two within of one transaction, repeated by the coordinator alone': inOne,
    'two within of two transactions, each repeated by the handler': async (world, barrier, call, uses) => {
      for (const { number, work } of uses)
        await again(() => inOwn(world, (tx) => barrier.within(tx, { ...call, use: number }, () => work(tx))));
    },
    'run and then within, all of it repeated': twice(async (world, barrier, call, [first, second]) => {
      await barrier.run(call, first.work);
      await inOwn(world, (tx) => barrier.within(tx, call, () => second.work(tx)));
    }),
    'run in run, all of it repeated': twice(nested),
    'run in run, repeated by the coordinator alone': nested,
    'run in run, the inner one repeated by the handler': (_world, barrier, call, [first, second]) =>
      barrier.run(call, async (tx) => {
        await again(() => barrier.run(call, second.work));
        await first.work(tx);
      }),
    'within in run, all of it repeated': twice(nestedWithin),
    'within in run, repeated by the coordinator alone': nestedWithin,
  };
}

async function again<T>(attempt: () => Promise<T>): Promise<T> {
  for (let count = 1; ; count++) {
    try {
      return await attempt();
    } catch (error) {
      if (count === 3 || !lostConflict(error)) throw error;
    }
  }
}

/** As applications with retries check it. */
const lostConflict = (error: unknown): boolean =>
  ['40001', '40P01', 'ER_LOCK_DEADLOCK'].includes(
    error instanceof Error && 'code' in error ? String(error.code) : 'none',
  );

async function inOwn<Tx extends Open, Open, T>(
  world: ConflictWorld<Tx, Open>,
  body: (tx: Tx) => Promise<T>,
): Promise<T> {
  const { tx, end } = await world.beginSerializable();
  try {
    const value = await body(tx);
    await end('commit');
    return value;
  } catch (error) {
    await end('rollback');
    throw error;
  }
}
