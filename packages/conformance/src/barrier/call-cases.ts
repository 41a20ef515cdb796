import assert from 'node:assert/strict';
import { BranchFailure } from '@holdfast/protocol';
import type { BarrierResult, BarrierCases, BarrierFixture } from './harness.ts';

/** An op, and the op that undoes it. */
const PAIRS = [
  ['try', 'cancel'],
  ['action', 'compensate'],
  ['action', 'rollback'],
] as const;

const REPEATED = { ran: false, why: 'repeated' };
const EMPTY = { ran: false, why: 'empty' };

/** Consecutive calls: repeated, empty and late ones, and work that fails. */
export function callCases(cases: BarrierCases): void {
  cases.describe('calls', () => {
    repetitionCases(cases);
    undoCases(cases);
  });
  cases.describe('work that throws', () => failureCases(cases));
  cases.describe('several uses in one request', () => useCases(cases));
  cases.describe('a use that its handler repeats', () => retryCases(cases));
  cases.describe('results', () => resultCases(cases));
}

function repetitionCases({ it }: BarrierCases): void {
  it('carries out a call and returns the result of its work', async ({ runAdd, read }) => {
    assert.deepEqual(await runAdd('action', 3), { ran: true, value: 3 });
    assert.equal(await read(), 3);
  });

  it('does not carry a repeated call out again', async ({ barrier, call, runAdd, read }) => {
    await runAdd('action', 3);
    assert.deepEqual(await runAdd('action', 3), { ...REPEATED, value: 3 });
    const again = await barrier.run(call('action'), () => assert.fail('the work of a repeated call ran'));
    assert.deepEqual(again, { ...REPEATED, value: 3 });
    assert.equal(await read(), 3);
  });

  it('distinguishes calls by op, branch and gid, also where one value is a prefix of another', async (fixture) => {
    const { barrier, add, call, gid, read } = fixture;
    const others = [
      call('try'),
      call('confirm'),
      call('action'),
      call('action', '02'),
      call('action', '0101'),
      call('action', '01', `${gid}x`),
      call('action', '01', gid.toUpperCase()),
      call('action', '01', `${gid}-01`),
      call('action', '01', ` ${gid}`),
      call('action', '01', `${gid}e`),
      call('action', '01', `${gid}\u00e9`),
      call('action', '01', `${gid}e\u0301`),
      call('action', '01', `${gid}\u00df`),
      call('action', '01', `${gid}ss`),
      call('action', '01', `${gid}\u{1f600}`),
      call('action', '01', `${gid}\u{1f601}`),
    ];
    for (const other of others) assert.equal((await barrier.run(other, (tx) => add(tx, 1))).ran, true);
    assert.equal(await read(), others.length);
  });
}

/**
 * Success would be wrong for a second transaction with the gid of a transaction that was undone.
 */
async function assertUndone(run: Promise<unknown>): Promise<void> {
  await assert.rejects(
    run,
    (thrown) => thrown instanceof BranchFailure && thrown.message.includes('was undone before'),
  );
}

/** Runs requests of the pattern that has this undo. */
const ofOnePattern =
  <Tx>({ barrier, add, call }: BarrierFixture<Tx>, undo: string) =>
  (op: string, amount: number): Promise<BarrierResult<number>> =>
    barrier.run({ ...call(op), transType: call(undo).transType }, async (tx) => {
      await add(tx, amount);
      return amount;
    });

function undoCases({ it }: BarrierCases): void {
  for (const [op, undo] of PAIRS) {
    it(`${undo} undoes ${op} once`, async (fixture) => {
      const { read } = fixture;
      const runAdd = ofOnePattern(fixture, undo);
      await runAdd(op, 5);
      assert.deepEqual(await runAdd(undo, -5), { ran: true, value: -5 });
      assert.equal(await read(), 0);
      assert.deepEqual(await runAdd(undo, -5), { ...REPEATED, value: -5 });
      await assertUndone(runAdd(op, 5));
      assert.equal(await read(), 0);
    });

    it(`${undo} without ${op} does nothing, and ${op} fails when it arrives later`, async (fixture) => {
      const { read } = fixture;
      const runAdd = ofOnePattern(fixture, undo);
      assert.deepEqual(await runAdd(undo, -5), EMPTY);
      await assertUndone(runAdd(op, 5));
      await assertUndone(runAdd(op, 5));
      assert.deepEqual(await runAdd(undo, -5), REPEATED);
      assert.equal(await read(), 0);
    });
  }

  it('an undo of one branch does nothing to another', async ({ runAdd, read }) => {
    await runAdd('action', 5, '01');
    assert.deepEqual(await runAdd('compensate', -5, '02'), EMPTY);
    await assertUndone(runAdd('action', 7, '02'));
    assert.deepEqual(await runAdd('compensate', -5, '01'), { ran: true, value: -5 });
    assert.equal(await read(), 0);
  });
}

function failureCases({ it }: BarrierCases): void {
  it('leaves neither its writes nor a record of the call', async (fixture) => {
    const { barrier, add, call, runAdd, read } = fixture;
    const failure = new BranchFailure('too little money');
    const refused = barrier.run(call('action'), async (tx) => {
      await add(tx, 3);
      throw failure;
    });
    await assert.rejects(refused, (thrown) => thrown === failure);
    assert.equal(await read(), 0);
    assert.deepEqual(await runAdd('action', 3), { ran: true, value: 3 });
    assert.equal(await read(), 3);
  });

  it('has nothing to be undone', async ({ barrier, call, runAdd, read }) => {
    const refused = barrier.run(call('try'), () => Promise.reject(new BranchFailure('sold out')));
    await assert.rejects(refused, { message: 'sold out' });
    assert.deepEqual(await runAdd('cancel', -3), EMPTY);
    assert.equal(await read(), 0);
  });

  it('an undo that throws is carried out when it is called again', async ({ barrier, call, runAdd, add, read }) => {
    await runAdd('action', 3);
    const broken = barrier.run(call('compensate'), async (tx) => {
      await add(tx, -3);
      throw new Error('a printer is on fire');
    });
    await assert.rejects(broken, { message: 'a printer is on fire' });
    assert.equal(await read(), 3);
    assert.deepEqual(await runAdd('compensate', -3), { ran: true, value: -3 });
    assert.equal(await read(), 0);
  });
}

function useCases({ it }: BarrierCases): void {
  it('are each carried out once', async ({ barrier, call, add, read }) => {
    for (const ran of [true, false]) {
      const request = call('action');
      assert.equal((await barrier.run(request, (tx) => add(tx, 1))).ran, ran);
      assert.equal((await barrier.run(request, (tx) => add(tx, 10))).ran, ran);
    }
    assert.equal(await read(), 11);
  });

  it('are undone one by one: only those that were carried out', async ({ barrier, call, add, read }) => {
    await barrier.run(call('action'), (tx) => add(tx, 1));
    const request = call('compensate');
    assert.equal((await barrier.run(request, (tx) => add(tx, -1))).ran, true);
    assert.deepEqual(await barrier.run(request, (tx) => add(tx, -10)), EMPTY);
    assert.equal(await read(), 0);
  });

  it('a repeated request resumes at the use where the first one failed', async ({ barrier, call, add, read }) => {
    const first = call('action');
    await barrier.run(first, (tx) => add(tx, 1));
    await assert.rejects(
      barrier.run(first, () => Promise.reject(new Error('the second half fails'))),
      { message: 'the second half fails' },
    );
    const second = call('action');
    assert.equal((await barrier.run(second, (tx) => add(tx, 1))).ran, false);
    assert.equal((await barrier.run(second, (tx) => add(tx, 10))).ran, true);
    assert.equal(await read(), 11);
  });
}

const isUnclear = (thrown: unknown): boolean =>
  thrown instanceof Error && 'code' in thrown && thrown.code === 'barrier_use_unclear';

/** A handler that repeats a failed use itself, instead of leaving that to the coordinator. */
function retryCases({ it }: BarrierCases): void {
  for (const [op, undo] of PAIRS) {
    it(`${op} that its handler repeats by number is carried out once and undone once`, async (fixture) => {
      const { barrier, add, call, read } = fixture;
      for (const [each, amount] of [
        [op, 30],
        [undo, -30],
      ] as const) {
        const request = call(each);
        await untilItSucceeds(3, (attempt) =>
          barrier.run({ ...request, use: 1 }, async (tx) => {
            await add(tx, amount);
            if (attempt < 3) throw new Error('lost against another transaction');
          }),
        );
        assert.equal((await barrier.run(call(each), (tx) => add(tx, amount))).ran, false);
        assert.equal(await read(), op === each ? 30 : 0);
      }
    });
  }

  it('a counted use after a failed use is rejected, and the repeated request carries out both', async (fixture) => {
    const { barrier, add, call, read } = fixture;
    const handler = async (optional: () => unknown): Promise<void> => {
      const request = call('action');
      await barrier.run(request, (tx) => add(tx, 1));
      try {
        await barrier.run(request, async (tx) => {
          await add(tx, 10);
          await optional();
        });
      } catch {
        // Whether the handler continues or repeats the use, which the barrier cannot know.
      }
      await barrier.run(request, (tx) => add(tx, 100));
    };
    for (let times = 0; times < 2; times++)
      await assert.rejects(
        handler(() => Promise.reject(new Error('no bonus'))),
        (thrown) => isUnclear(thrown) && String(thrown).includes('{ ...call, use: 2 }'),
      );
    assert.equal(await read(), 1);
    for (let times = 0; times < 2; times++) await handler(() => undefined);
    assert.equal(await read(), 111);
  });

  it('numbered uses continue after a failed use and keep their numbers', async (fixture) => {
    const { barrier, add, call, read } = fixture;
    for (const fails of [true, false, false]) {
      const request = call('action');
      const bonus = barrier.run({ ...request, use: 1 }, async (tx) => {
        await add(tx, 1);
        if (fails) throw new Error('no bonus');
      });
      await (fails ? assert.rejects(bonus) : bonus);
      assert.equal((await barrier.run({ ...request, use: 2 }, (tx) => add(tx, 10))).ran, fails);
    }
    assert.equal(await read(), 11);
  });

  it('a repeated use that encloses other uses must number them, otherwise it is rejected', async ({
    barrier,
    add,
    call,
    read,
  }) => {
    const handler = (numbered: boolean) => {
      const request = call('action');
      const [outer, inner] = numbered
        ? [
            { ...request, use: 1 },
            { ...request, use: 2 },
          ]
        : [request, request];
      return untilItSucceeds(2, (attempt) =>
        barrier.run(outer, async (tx) => {
          await barrier.run(inner, (own) => add(own, 10));
          await add(tx, 1);
          if (attempt < 2) throw new Error('lost against another transaction');
        }),
      );
    };
    await assert.rejects(handler(false), isUnclear);
    assert.equal(await read(), 10);
    await handler(true);
    assert.equal(await read(), 11);
  });

  it('uses that the caller numbers are distinguished in any order', async ({ barrier, add, call, read }) => {
    const request = call('action');
    assert.equal((await barrier.run({ ...request, use: 2 }, (tx) => add(tx, 10))).ran, true);
    for (const ran of [true, false])
      assert.equal((await barrier.run({ ...request, use: 1 }, (tx) => add(tx, 1))).ran, ran);
    assert.equal((await barrier.run({ ...request, use: 2 }, (tx) => add(tx, 10))).ran, false);
    assert.equal(await read(), 11);
    for (const use of [0, 1.5, 100])
      await assert.rejects(
        barrier.run({ ...request, use }, () => 0),
        RangeError,
      );
  });
}

/** A handler that repeats a failed use. */
async function untilItSucceeds<T>(most: number, attempt: (count: number) => Promise<T>): Promise<T> {
  for (let count = 1; ; count++) {
    try {
      return await attempt(count);
    } catch (error) {
      if (count === most) throw error;
    }
  }
}

/** The result that a repeated call returns: if money was moved, its receipt must not be lost. */
function resultCases({ it }: BarrierCases): void {
  const kept: readonly unknown[] = [
    { receipt: 'r-1', amount: '12.50', lines: [1, null, true] },
    'a text with "quotes", \\ and a\u0000\u00e9\u{1f600}\ud800',
    0,
    false,
    '',
    null,
  ];
  it('a repeated call returns the result of the one that was carried out', async ({ barrier, call }) => {
    for (const [index, value] of kept.entries()) {
      const branch = String(index).padStart(2, '0');
      assert.deepEqual(await barrier.run(call('try', branch), () => value), { ran: true, value });
      for (let times = 0; times < 2; times++)
        assert.deepEqual(await barrier.run(call('try', branch), () => 'other'), { ...REPEATED, value });
    }
  });

  it('a call that returned nothing was carried out all the same', async ({ barrier, call, runAdd, read }) => {
    for (const ran of [true, false]) {
      const outcome = await barrier.run(call('action'), () => undefined);
      assert.deepEqual(outcome, ran ? { ran, value: undefined } : REPEATED);
    }
    await runAdd('action', 1, '02');
    assert.equal(await read(), 1);
  });

  it('a result that cannot be kept as it is, is unavailable to a repeated call, and never another value', async (fixture) => {
    const { barrier, call, add, read } = fixture;
    const values = [...unkeptResults().entries()];
    for (const [index, [what, value]] of values.entries()) {
      const branch = String(index).padStart(2, '0');
      const run = (result: unknown) =>
        barrier.run<unknown>(call('action', branch), async (tx) => {
          await add(tx, 1);
          return result;
        });
      const first = await run(value);
      assert.ok(first.ran && Object.is(first.value, value), what);
      for (let times = 0; times < 2; times++) {
        const { unavailable, ...rest } = (await run('other')) as BarrierResult<unknown> & { ran: false };
        assert.deepEqual(rest, REPEATED, what);
        assert.equal(unavailable?.code, 'barrier_result_unavailable', what);
        assert.match(unavailable.message, what.startsWith('too large') ? /16384 bytes/ : /not JSON/, what);
      }
    }
    assert.equal(await read(), values.length);
  });

  it('a codec keeps a result that is not JSON, and returns it to a repeated call', async ({ barrier, call }) => {
    const codec = {
      encode: (result: Map<string, bigint>) => [...result].map(([key, value]) => [key, String(value)]),
      decode: (json: unknown) =>
        new Map((json as [string, string][]).map(([key, value]) => [key, BigInt(value)] as const)),
    };
    const value = new Map([['paid', 2n ** 64n]]);
    assert.deepEqual(await barrier.run(call('try'), () => value, { codec }), { ran: true, value });
    const repeated = await barrier.run(call('try'), () => new Map<string, bigint>(), { codec });
    assert.deepEqual(repeated, { ...REPEATED, value });
  });

  it('a codec that throws leaves nothing done', async ({ barrier, call, add, read }) => {
    const codec = { encode: () => assert.fail('no form for it'), decode: () => 1n };
    const run = barrier.run(
      call('try'),
      async (tx) => {
        await add(tx, 1);
        return 1n;
      },
      { codec },
    );
    await assert.rejects(run, /no form for it/);
    assert.equal(await read(), 0);
    assert.deepEqual(await barrier.run(call('try'), () => 'second'), { ran: true, value: 'second' });
  });

  it('each use of the barrier in one request has its own', async ({ barrier, call }) => {
    for (const ran of [true, false]) {
      const request = call('action');
      for (const use of ['first', 'second']) {
        const outcome = await barrier.run(request, () => use);
        assert.deepEqual([outcome.ran, outcome.value], [ran, use]);
      }
    }
  });

  it('work that failed leaves none', async ({ barrier, call }) => {
    await assert.rejects(barrier.run(call('action'), () => Promise.reject(new BranchFailure('no'))));
    assert.deepEqual(await barrier.run(call('action'), () => 'second'), { ran: true, value: 'second' });
    assert.deepEqual(await barrier.run(call('action'), () => 'third'), { ...REPEATED, value: 'second' });
  });

  it('an undo does not return the result of what it undoes', async ({ barrier, call }) => {
    await barrier.run(call('try'), () => 'reserved');
    assert.deepEqual(await barrier.run(call('cancel'), () => undefined), { ran: true, value: undefined });
    assert.deepEqual(await barrier.run(call('cancel'), () => undefined), REPEATED);
    await assertUndone(barrier.run(call('try'), () => 'again'));
  });
}

class Receipt {
  readonly id = 7;
}

/** Results that JSON changes, rejects, or makes too long, by what they are. */
function unkeptResults(): ReadonlyMap<string, unknown> {
  const cyclic: Record<string, unknown> = {};
  cyclic['self'] = cyclic;
  return new Map<string, unknown>([
    ['too large', 'x'.repeat(16 * 1024)],
    ['too large in ASCII', '\u00e9'.repeat(4 * 1024)],
    ['a map', { paid: new Map([['a', 1]]) }],
    ['a set', new Set([1])],
    ['a date', new Date(0)],
    ['a class instance', [new Receipt()]],
    ['a buffer', Buffer.from('a')],
    ['a bigint', 1n],
    ['NaN', Number.NaN],
    ['undefined in an array', [undefined]],
    ['a function', () => 0],
    ['an object that contains itself', cyclic],
    ['a toJSON', { toJSON: () => 1 }],
  ]);
}
