import { BranchFailure } from '@holdfast/protocol';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { BranchCallContext } from '../../src/participants/call.ts';
import type { Flow } from '../../src/workflow/flow.ts';
import { connectHarness } from '@holdfast/testing/connect-harness';
import type { XaNumber, XaWorld } from './worlds.ts';

type Which = 'a' | 'b';

interface Add {
  /** The key of the number that the branch changes. */
  readonly which: Which;
}

/** Resolves when it has been called the given number of times. */
function meeting(count: number): () => Promise<void> {
  let open = (): void => undefined;
  const all = new Promise<void>((resolve) => (open = resolve));
  let come = 0;
  return () => {
    if (++come === count) open();
    return all;
  };
}

/** Workflows with XA steps that wait for each other's rows, on a real database. */
export function xaWorkflowSuite<Tx>(open: () => Promise<XaWorld<Tx>>): void {
  let world: XaWorld<Tx>;
  beforeAll(async () => {
    world = await open();
  });
  afterAll(() => world.close());

  const start = async () => {
    const numbers: Record<Which, XaNumber<Tx>> = { a: await world.createNumber(), b: await world.createNumber() };
    const sdk = await connectHarness.start({
      xa: (call: BranchCallContext<Add | undefined>) =>
        world.xa({ lockTimeoutMs: 1_000 }).run(call, (tx) => numbers[call.payload?.which ?? 'a'].add(tx, 1)),
      // The participant's database is unavailable.
      away: () => Promise.reject(new Error('the database is away')),
      nothing: () => undefined,
    });
    const read = async () => [await numbers.a.read(), await numbers.b.read()];
    const options = { version: 1, ...sdk.workflowOptions, requestTimeoutMs: 3_000 };
    return { ...sdk, numbers, read, options };
  };

  it('two workflows that lock two rows in opposite orders both finish, and leave nothing prepared', async () => {
    const { hf, branches, read, options } = await start();
    const meet = meeting(2);
    const move = hf.workflow('move', options, async (flow: Flow, [first, second]: readonly [Which, Which]) => {
      await flow.xa('first', { url: branches.xa, payload: { which: first } });
      await meet();
      await flow.xa('second', { url: branches.xa, payload: { which: second } });
    });
    const runs = [move.run(['a', 'b'], { wait: true }), move.run(['b', 'a'], { wait: true })];
    const outcomes = await Promise.allSettled(runs);
    const successes = outcomes.filter(({ status }) => status === 'fulfilled').length;
    for (const outcome of outcomes)
      if (outcome.status === 'rejected')
        expect(outcome.reason).toMatchObject({ code: 'transaction_failed', reason: expect.stringContaining('lock') });
    expect(await world.prepared()).toEqual([]);
    expect(await read()).toEqual([successes, successes]);
    expect(successes).toBeLessThan(2);
  });

  it('an xa with two branches that change one row fails when its second branch waits for the lock of the first', async () => {
    const { hf, branches, read } = await start();
    const change = { url: branches.xa, payload: { which: 'a' } } as const;
    const run = hf.xa(
      async (tx) => {
        await tx.call(change);
        await tx.call(change);
      },
      { wait: true },
    );
    await expect(run).rejects.toMatchObject({ code: 'transaction_failed', cause: { name: 'BranchFailure' } });
    await expect(run).rejects.toThrow(/waited longer for a lock/);
    expect(await world.prepared()).toEqual([]);
    expect(await read()).toEqual([0, 0]);
  });

  it('the code of a workflow may take another path when an XA step waits too long', async () => {
    const { hf, branches, numbers, read, options } = await start();
    const holder = { gid: `holder-${process.pid}`, transType: 'xa', branchId: '01' } as const;
    await world.xa().run({ ...holder, op: 'action' }, (tx) => numbers.b.add(tx, 10));
    const notes: string[] = [];
    const pay = hf.workflow('pay', options, async (flow: Flow) => {
      await flow.xa('a', { url: branches.xa, payload: { which: 'a' } });
      try {
        await flow.xa('b', { url: branches.xa, payload: { which: 'b' } });
      } catch (error) {
        if (!(error instanceof BranchFailure)) throw error;
        await flow.step('later', () => void notes.push('later'));
      }
    });
    await pay.run(undefined, { wait: true });
    expect(notes).toEqual(['later']);
    await world.xa().run({ ...holder, op: 'commit' }, () => expect.unreachable());
    expect(await read()).toEqual([1, 10]);
    expect(await world.prepared()).toEqual([]);
  });

  it('a workflow whose next step stays unknown is aborted when its XA steps were prepared for too long', async () => {
    const { hf, branches, read, options } = await start();
    const stuck = hf.workflow('stuck', { ...options, longestPreparedMs: 300 }, async (flow: Flow) => {
      await flow.xa('a', { url: branches.xa, payload: { which: 'a' } });
      await flow.call('away', { action: branches.away, compensate: branches.nothing });
    });
    await expect(stuck.run(undefined, { wait: true })).rejects.toMatchObject({
      code: 'transaction_failed',
      reason: expect.stringContaining('XA'),
    });
    expect(await world.prepared()).toEqual([]);
    expect(await read()).toEqual([0, 0]);
  });

  it('a step whose action runs in another process does not fail the workflow', async () => {
    const { hf, branches, numbers, read, options } = await start();
    const call = { gid: `twice-${process.pid}`, transType: 'workflow', branchId: 'b', op: 'action' } as const;
    const secondRun = meeting(2);
    let [begin, letEnd] = [(): void => undefined, (): void => undefined];
    const begun = new Promise<void>((resolve) => (begin = resolve));
    const ended = new Promise<void>((resolve) => (letEnd = resolve));
    const first = world.xa().run(call, async (tx) => {
      await numbers.b.add(tx, 1);
      begin();
      await ended;
    });
    await begun;
    const pay = hf.workflow('pay', options, async (flow: Flow) => {
      void secondRun();
      await flow.xa('b', { url: branches.xa, payload: { which: 'b' } });
    });
    const run = pay.run(undefined, { gid: call.gid, wait: true });
    await secondRun();
    letEnd();
    await Promise.all([run, first]);
    expect(await read()).toEqual([0, 1]);
    expect(await world.prepared()).toEqual([]);
  });
}
