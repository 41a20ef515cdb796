import { expect, it } from 'vitest';
import { type Barrier, type BranchKey } from '../../src/barrier/barrier.ts';
import { createBarrier } from '../../src/barrier/create-barrier.ts';
import { currentBranch, runInBranch } from '../../src/participants/branch-context.ts';
import type { BranchCallContext } from '../../src/participants/call.ts';
import { RowDialect } from '@holdfast/testing/barriers';

/** One request of the coordinator for the same branch. */
function request(op = 'action'): BranchCallContext {
  const query = new URLSearchParams({ gid: 'g', trans_type: 'saga', branch_id: '01', op });
  return { gid: 'g', transType: 'saga', branchId: '01', op, payload: undefined, query };
}

type Copy = (call: BranchCallContext) => BranchKey;

const COPIES: Readonly<Record<string, Copy>> = {
  'the call': (call) => call,
  'a spread copy': (call) => ({ ...call }),
  'a copy by Object.assign': (call) => Object.assign({}, call),
  'a copy with more': (call) => ({ ...call, payload: 'other', user: 'from a middleware' }),
  'a proxy': (call) => new Proxy(call, {}),
};

/** Copies that have lost what identifies the request. */
const REBUILT: Readonly<Record<string, Copy>> = {
  'its parts': ({ gid, transType, branchId, op }) => ({ gid, transType, branchId, op }),
  'a structured clone': ({ query: _query, ...call }) => structuredClone(call),
  'a JSON round trip': (call) => JSON.parse(JSON.stringify(call)) as BranchKey,
};

/** Runs a handler that adds 1 and then 10, each for another copy; returns which of them ran. */
async function handle(barrier: Barrier<RowDialect>, first: Copy, second: Copy, done: number[]): Promise<boolean[]> {
  return runInBranch(request(), async () => {
    const call = current();
    const outcomes = [
      await barrier.run(first(call), () => void done.push(1)),
      await barrier.run(second(call), () => void done.push(10)),
    ];
    return outcomes.map(({ ran }) => ran);
  });
}

function current(): BranchCallContext {
  const call = currentBranch();
  if (call === undefined) throw new Error('no call is served here');
  return call;
}

for (const [name, second] of Object.entries(COPIES))
  for (const [before, first] of Object.entries(COPIES))
    it(`uses for ${before} and then ${name} are two uses of one handler`, async () => {
      const barrier = createBarrier(new RowDialect());
      const done: number[] = [];
      expect(await handle(barrier, first, second, done)).toEqual([true, true]);
      expect(await handle(barrier, first, second, done)).toEqual([false, false]);
      expect(done).toEqual([1, 10]);
    });

for (const [name, rebuilt] of Object.entries(REBUILT)) {
  it(`one use for ${name} is carried out once`, async () => {
    const barrier = createBarrier(new RowDialect());
    const runs: boolean[] = [];
    for (let times = 0; times < 2; times++)
      await runInBranch(request(), async () => {
        runs.push((await barrier.run(rebuilt(current()), () => 0)).ran);
      });
    expect(runs).toEqual([true, false]);
  });

  for (const [before, first] of Object.entries({ ...COPIES, ...REBUILT }))
    it(`a second use for ${name} after ${before} is rejected and not mistaken for a repetition`, async () => {
      const barrier = createBarrier(new RowDialect());
      const done: number[] = [];
      for (let times = 0; times < 2; times++)
        await expect(handle(barrier, first, rebuilt, done)).rejects.toMatchObject({
          code: 'barrier_use_unclear',
          message: expect.stringContaining('{ ...call, use: 2 }') as string,
        });
      expect(done).toEqual([1]);
    });

  it(`a second use for the call after ${name} is rejected and not mistaken for a repetition`, async () => {
    const barrier = createBarrier(new RowDialect());
    await expect(handle(barrier, rebuilt, (call) => call, [])).rejects.toMatchObject({ code: 'barrier_use_unclear' });
  });

  it(`numbered uses for ${name} are distinguished`, async () => {
    const barrier = createBarrier(new RowDialect());
    const done: number[] = [];
    const numbered = (use: number) => (call: BranchCallContext) => ({ ...rebuilt(call), use });
    expect(await handle(barrier, numbered(1), numbered(2), done)).toEqual([true, true]);
    expect(await handle(barrier, numbered(1), numbered(2), done)).toEqual([false, false]);
    expect(done).toEqual([1, 10]);
  });
}

it('a call of another request that a queue of the first one carries out is a repetition', async () => {
  const barrier = createBarrier(new RowDialect());
  const jobs: (() => Promise<void>)[] = [];
  const runs: boolean[] = [];
  const enqueue = (call: BranchCallContext): Promise<void> =>
    new Promise((resolve) => {
      jobs.push(async () => {
        runs.push((await barrier.run({ ...call }, () => 0)).ran);
        resolve();
      });
    });
  const waiting = runInBranch(request(), () => enqueue(current()));
  await runInBranch(request(), async () => {
    void enqueue(current());
    for (const job of jobs) await job();
  });
  await waiting;
  expect(runs).toEqual([true, false]);
});

it('a use of another branch or op by a copy is counted separately', async () => {
  const dialect = new RowDialect();
  const barrier = createBarrier(dialect);
  const numbers = await runInBranch(request(), async () => {
    const call = current();
    for (const copy of [call, { ...call, branchId: '02' }, { ...call, branchId: '02' }, { ...call, op: 'try' }])
      await barrier.run(copy, () => 0);
    return [...dialect.rows.values()].map(({ branchId, op, barrierId }) => `${branchId} ${op} ${barrierId}`);
  });
  expect(numbers).toEqual(['01 action 01', '02 action 01', '02 action 02', '01 try 01']);
});

it('two barrier objects over one pool and table count the uses of a request together', async () => {
  const dialect = new RowDialect();
  const done: number[] = [];
  const runs: boolean[] = [];
  for (let times = 0; times < 2; times++)
    await runInBranch(request(), async () => {
      const [one, other] = [createBarrier(dialect), createBarrier(dialect)];
      for (const barrier of [one, other, one])
        runs.push((await barrier.run(current(), () => void done.push(done.length))).ran);
    });
  expect(runs).toEqual([true, true, true, false, false, false]);
  expect(done).toEqual([0, 1, 2]);
});

it('barriers over different tables count separately', async () => {
  const runs = await runInBranch(request(), async () => {
    const [one, other] = [createBarrier(new RowDialect()), createBarrier(new RowDialect())];
    for (const barrier of [one, other]) await barrier.run(current(), () => 0);
    return [
      (await one.run({ ...current(), use: 1 }, () => 0)).ran,
      (await other.run({ ...current(), use: 1 }, () => 0)).ran,
    ];
  });
  expect(runs).toEqual([false, false]);
});
