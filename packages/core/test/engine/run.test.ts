import { describe, expect, it } from 'vitest';
import type { Delivery, Reply } from '../../src/engine/delivery.ts';
import { Run } from '../../src/engine/run.ts';
import type { Timer } from '../../src/environment.ts';
import { newTransaction } from '../../src/patterns/state.ts';
import type { StoredTransaction } from '../../src/store/index.ts';
import { CREATED_AT_MS, KEY, saga } from '../patterns/support/definitions.ts';

const transaction = newTransaction(KEY, saga(1), CREATED_AT_MS);
const later = { ...transaction, createdAtMs: CREATED_AT_MS + 1 };
const claimed = { key: KEY, version: 7 } as StoredTransaction;
const reply = (wholePass = false): Reply => ({ done() {}, failed() {}, wholePass });
const requested: Delivery = { event: { kind: 'retry' }, reply: reply() };
const effects = {
  persist: 'wait',
  calls: [],
  check: false,
  wakeAtMs: null,
  passOver: false,
  alert: undefined,
} as const;

class CountingTimer implements Timer {
  cancelled = 0;

  cancel(): void {
    this.cancelled++;
  }
}

const fresh = (): Run => Run.ofNew(transaction, 'shop');

/** A run that this session owns at version 1. */
function owned(): Run {
  const run = fresh();
  run.applied(run.write(undefined, true, null, 'w1'), 1);
  return run;
}

describe('the state of a run', () => {
  it('RN1: a run knows no transaction until its record was read', () => {
    const run = Run.ofStored(KEY, claimed);
    expect(run).toMatchObject({ phase: 'loading', transaction: undefined, version: 0, ownership: 'none', claimed });
    expect(() => run.stepped(transaction)).toThrow('the record was not read yet');
    expect(() => run.write(undefined, true, null, 'w')).toThrow('the record was not read yet');
  });

  it('RN1: a run that is open reads again when a claim returned its record', () => {
    const run = owned();
    run.remember(claimed);
    expect(run).toMatchObject({ phase: 'loading', claimed, version: 1, ownership: 'ours' });
    run.merge({ transaction: later, version: 8, retryCommands: 2 }, []);
    expect(run).toMatchObject({ phase: 'open', claimed: undefined, transaction: later, version: 8, retryCommands: 2 });
  });

  it('RN1: a claimed record is kept through a write that loses, and through a release', () => {
    const run = owned();
    const writing = run.write(undefined, true, null, 'w2');
    run.remember(claimed);
    run.lost(writing, 'aborting');
    expect(run).toMatchObject({ phase: 'loading', claimed, conflicts: 1, foundStatus: 'aborting' });
    run.release();
    expect(run).toMatchObject({ phase: 'releasing', claimed });
    run.leave();
    expect(run).toMatchObject({ phase: 'gone', claimed: undefined });
  });

  it('RN2: a run that is released or leaves memory cancels its timer', () => {
    for (const end of ['release', 'leave'] as const) {
      const run = owned();
      const timer = new CountingTimer();
      run.setTimer(timer);
      run[end]();
      expect(timer.cancelled, end).toBe(1);
      run.leave();
      expect(timer.cancelled, end).toBe(1);
    }
  });

  it('RN3: a run that has left memory changes its state no more, and leaves once', () => {
    const run = owned();
    const writing = run.write(undefined, true, null, 'w2');
    run.leave();
    expect(() => run.leave()).not.toThrow();
    expect(() => run.applied(writing, 2)).toThrow('a run that has left memory became open');
    expect(() => run.load()).toThrow('a run that has left memory became loading');
    expect(() => run.release()).toThrow('a run that has left memory became releasing');
    run.remember(claimed);
    expect(run).toMatchObject({ phase: 'gone', isAlive: false, isDriving: false, claimed: undefined });
  });

  it('RN4: an event leaves the queue once, and so does each reply', () => {
    const run = owned();
    const waiting = reply(true);
    run.enqueue(requested);
    run.awaitPass(waiting);
    expect(run.takeReplies()).toEqual([requested.reply, waiting]);
    expect([run.next(), run.takeReplies(), run.takePassWaiters()]).toEqual([undefined, [], []]);
  });
});

describe('the write of a run', () => {
  it('makes this session the owner if it is to hold the record, and resets the conflicts', () => {
    const run = fresh();
    expect(run).toMatchObject({ phase: 'open', group: 'shop', version: 0, ownership: 'none' });
    run.lost(run.write(undefined, true, null, 'w0'), undefined);
    run.merge({ transaction, version: 4, retryCommands: 0 }, []);
    run.applied(run.write(undefined, true, null, 'w1'), 5);
    expect(run).toMatchObject({ phase: 'open', version: 5, writeId: 'w1', ownership: 'ours', conflicts: 0 });
    run.applied(run.write(undefined, false, 100, 'w2'), 6);
    expect(run).toMatchObject({ phase: 'open', version: 6, writeId: 'w2', ownership: 'none' });
  });

  it('that is undone, or loses, leaves the transaction as it was before the step', () => {
    for (const end of ['undo', 'lost'] as const) {
      const run = owned();
      run.stepped(later);
      const writing = run.write({ before: transaction, delivery: requested, effects }, true, null, 'w2');
      run[end](writing, undefined);
      expect([run.transaction, run.version, run.phase]).toEqual([transaction, 1, end === 'undo' ? 'open' : 'loading']);
    }
  });

  it('that force-stops a damaged record has no transaction, and counts each time that it loses', () => {
    const run = Run.ofStored(KEY);
    run.sawVersion(9);
    run.stop();
    expect(run).toMatchObject({ phase: 'stopping', isDriving: true, transaction: undefined, version: 9 });
    expect([run.stopLost(), run.stopLost(), run.phase, run.version]).toEqual([0, 1, 'loading', 9]);
  });
});

describe('the watcher', () => {
  it('finds a run quiet if it was open, owned and unwritten since the last check', () => {
    const run = owned();
    expect([run.isQuiet(), run.isQuiet()]).toEqual([false, true]);
    const writing = run.write(undefined, true, null, 'w2');
    expect(run.isQuiet()).toBe(false);
    run.applied(writing, 2);
    expect([run.isQuiet(), run.isQuiet()]).toEqual([false, true]);
  });
});

it('events are delivered by one loop at a time', () => {
  const run = fresh();
  expect([run.beginWork(), run.beginWork()]).toEqual([true, false]);
  run.endWork();
  expect(run.beginWork()).toBe(true);
});
