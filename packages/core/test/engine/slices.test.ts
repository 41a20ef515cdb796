import type { TransactionKey } from '@holdfast/protocol';
import { expect, it } from 'vitest';
import { openInTurns } from '../../src/engine/claimed-runs.ts';
import { ProgressWriter } from '../../src/engine/progress.ts';
import { Run } from '../../src/engine/run.ts';
import type { StoredTransaction } from '../../src/store/index.ts';
import { newTransaction } from '../../src/patterns/state.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { CREATED_AT_MS, saga } from '../patterns/support/definitions.ts';

/** The largest number of times that something was done between two turns of the event loop. */
class Turns {
  readonly #clock: ManualClock;
  #count = 0;
  most = 0;
  total = 0;

  constructor(clock: ManualClock) {
    this.#clock = clock;
  }

  count(): void {
    if (this.#count++ === 0) this.#clock.setTimer(0, () => (this.#count = 0));
    this.most = Math.max(this.most, this.#count);
    this.total++;
  }
}

const keyOf = (gid: string): TransactionKey => ({ namespace: 'default', gid });
const openRun = (gid: string): Run => Run.ofNew(newTransaction(keyOf(gid), saga(1_000), CREATED_AT_MS), '');

it('the progress of many long transactions that is due at once is written a few at a time', async () => {
  const clock = new ManualClock();
  const turns = new Turns(clock);
  const progress = new ProgressWriter(clock, 1_000, () => turns.count());
  const runs = Array.from({ length: 50 }, (_, i) => openRun(`long${i}`));
  for (const run of runs) progress.mark(run);
  await clock.advance(1_000);
  expect([turns.total, turns.most <= 2]).toEqual([50, true]);
});

it('progress that a decision has written before its turn is not written again', async () => {
  const clock = new ManualClock();
  const written: string[] = [];
  const runs = Array.from({ length: 10 }, (_, i) => openRun(`long${i}`));
  const progress = new ProgressWriter(clock, 1_000, (run) => {
    written.push(run.key.gid);
    if (run.key.gid === 'long0') progress.clear(runs[9] as Run);
  });
  for (const run of runs) progress.mark(run);
  await clock.advance(1_000);
  expect(written).toEqual(runs.slice(0, 9).map(({ key }) => key.gid));
});

it('the long records that a claim returns are opened a few at a time, without the runs that were dropped in between', async () => {
  const clock = new ManualClock();
  const turns = new Turns(clock);
  const body = new Uint8Array(90 * 1_024);
  const claimed = Array.from({ length: 45 }, (_, i) => ({
    run: Run.ofStored(keyOf(`long${i}`)),
    record: { definition: body, state: new Uint8Array(0), entries: [] } as unknown as StoredTransaction,
  }));
  const opened: Run[] = [];
  openInTurns(claimed, clock, (run) => {
    turns.count();
    opened.push(run);
    for (const { run: last } of claimed.slice(-1)) last.leave();
  });
  await clock.advance(100);
  expect(opened).toEqual(claimed.slice(0, -1).map(({ run }) => run));
  expect(turns.most).toBeLessThanOrEqual(2);
});
