import { LIMITS } from '@holdfast/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { State } from '../../src/patterns/index.ts';
import { newTransaction } from '../../src/patterns/index.ts';
import { withLine } from '../../src/patterns/timeline.ts';
import { CREATED_AT_MS, KEY, message, saga } from './support/definitions.ts';
import { Model } from './support/model.ts';

const stop = { kind: 'stop', reason: 'INC-42' } as const;

describe('an operator’s commands', () => {
  it('a force-stop makes the transaction failed without a rollback, and it is never driven again', () => {
    const model = new Model(saga(1));
    model.deliver({ kind: 'submitted', options: {} });
    model.deliver(stop);
    expect([model.status, model.nextAtMs]).toEqual(['failed', null]);
    expect(model.transaction.state).toMatchObject({ stopped: 'INC-42', rollbackReason: '' });
    expect(model.deliver(stop)).toBe("current status 'failed', cannot stop");
    expect(model.deliver({ kind: 'retry' })).toBe("current status 'failed', cannot retry");
  });

  it('a force-stop keeps the reason of the rollback that it interrupts', () => {
    const model = new Model(saga(1));
    model.deliver({ kind: 'submitted', options: {} });
    model.deliver({ kind: 'abort', reason: 'ordered by mistake', byOperator: true });
    model.deliver(stop);
    expect(model.transaction.state).toMatchObject({ stopped: 'INC-42', rollbackReason: 'ordered by mistake' });
  });

  it('are in the timeline', () => {
    const model = new Model(message(1));
    model.deliver({ kind: 'submitted', options: {} });
    model.deliver({ kind: 'retry' });
    model.deliver(stop);
    const lines = model.transaction.state.timeline.map((line) =>
      'detail' in line ? line.detail : 'status' in line ? line.status : '',
    );
    expect(lines).toEqual(['submitted', 'retry now', 'force-stop', 'failed']);
  });
});

describe('a payload that kills its coordinators', () => {
  it('parks its transaction after five of them, and a command to retry drives it again', () => {
    const model = new Model(message(1));
    model.deliver({ kind: 'submitted', options: {} });
    model.crash(false, 3);
    expect(model.running).toEqual(['01 action']);
    model.crash(false);
    expect(model.transaction.state).toMatchObject({
      parked: '5 nodes in a row crashed while driving it',
      attention: true,
    });
    expect([model.nextAtMs, model.alerts.length]).toEqual([null, 1]);
    model.deliver({ kind: 'retry' });
    expect(model.running).toEqual(['01 action']);
  });

  it('leaves a saga that has lost track of which actions were started', () => {
    const model = new Model(saga(2));
    model.deliver({ kind: 'submitted', options: {} });
    model.respond('01 action');
    model.crash(false, 5);
    model.deliver({ kind: 'retry' });
    model.respond('01 action', 'FAILURE');
    expect(model.transaction.state.compensate).toEqual([0, 1]);
  });
});

describe('preparing again', () => {
  it('changes nothing while prepared, and is rejected later', () => {
    const model = new Model(message(1));
    model.deliver({ kind: 'prepared', again: false });
    const { state } = model.transaction;
    model.deliver({ kind: 'prepared', again: true });
    expect(model.transaction.state).toEqual(state);
    model.deliver({ kind: 'submitted', options: {} });
    expect(model.deliver({ kind: 'prepared', again: true })).toBe("current status 'submitted', cannot prepare");
  });
});

describe('the timeline', () => {
  it('keeps the first and the last lines within its bound and counts the others', () => {
    fc.assert(
      fc.property(fc.nat(500), (count) => {
        let { state }: { state: State } = newTransaction(KEY, message(1), CREATED_AT_MS);
        for (let i = 0; i < count; i++) state = withLine(state, { kind: 'order', atMs: i, detail: String(i) });
        const kept = state.timeline.map((line) => line.atMs);
        expect(kept.length + state.timelineOmitted).toBe(count);
        expect(kept.length).toBe(Math.min(count, LIMITS.timelineEntries));
        const half = LIMITS.timelineEntries / 2;
        expect(kept.slice(0, half)).toEqual(Array.from({ length: Math.min(count, half) }, (_, i) => i));
        expect(kept.at(-1) ?? -1).toBe(count - 1);
        expect(kept).toEqual([...kept].sort((a, b) => a - b));
      }),
      { seed: 7 },
    );
  });
});
