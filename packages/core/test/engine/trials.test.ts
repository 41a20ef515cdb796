import { describe, expect, it } from 'vitest';
import type { StoredTransaction } from '../../src/store/index.ts';
import { Run } from '../../src/engine/run.ts';
import { type Suspect, Trials } from '../../src/engine/trials.ts';
import { ManualClock } from '../support/manual-clock.ts';

const suspect = (gid: string, claims: number): Suspect => {
  const key = { namespace: 'default', gid };
  return { run: Run.ofStored(key), record: { key } as StoredTransaction, claims };
};

function setUp() {
  const clock = new ManualClock();
  const driven: string[] = [];
  const pending = new Map<string, () => void>();
  const trials = new Trials({
    maxClaims: 5,
    putBack: ({ run }, _dueInMs, done) => void pending.set(run.key.gid, done),
    later: (delayMs, callback) => void clock.setTimer(delayMs, callback),
    drive: ({ run }) => void driven.push(run.key.gid),
  });
  return { clock, trials, driven, pending };
}

describe('TR2: suspects on trial', () => {
  it('are driven once the others are written back', async () => {
    const { clock, trials, driven, pending } = setUp();
    trials.take([suspect('a', 5), suspect('b', 5), suspect('c', 5)]);
    pending.get('b')?.();
    await clock.advance(5_000);
    expect(driven).toEqual([]);
    pending.get('c')?.();
    expect(driven).toEqual(['a']);
    await clock.advance(60_000);
    expect(driven).toEqual(['a']);
  });

  it('wait no longer than ten seconds for a write that the store rejects every time', async () => {
    const { clock, trials, driven, pending } = setUp();
    trials.take([suspect('a', 5), suspect('b', 5)]);
    await clock.advance(9_999);
    expect(driven).toEqual([]);
    await clock.advance(1);
    expect(driven).toEqual(['a']);
    pending.get('b')?.();
    expect(driven).toEqual(['a']);
  });
});

it('TR4: nothing more is claimed while a suspect is on its last trial', () => {
  const { trials } = setUp();
  const notYet = suspect('may crash once more', 4);
  trials.take([notYet]);
  expect(trials.isLast).toBe(false);
  notYet.run.leave();
  const last = suspect('is parked after the next crash', 5);
  trials.take([last]);
  expect(trials.isLast).toBe(true);
  last.run.leave();
  expect(trials.isLast).toBe(false);
});
