import { describe, expect, it } from 'vitest';
import type { Definition } from '../../src/patterns/index.ts';
import { message, workflow } from './support/definitions.ts';
import { Model } from './support/model.ts';

function prepared(options: Partial<Definition['options']> = {}): Model {
  const model = new Model(workflow(options));
  model.deliver({ kind: 'prepared', again: false });
  return model;
}

const end = (status: 'succeed' | 'failed', result = '') => ({
  kind: 'ended' as const,
  status,
  rollbackReason: status === 'failed' ? 'refused' : '',
  result,
});

describe('the end of a workflow', () => {
  it('has the status, the result and the reason that the client sends', () => {
    const model = prepared();
    model.deliver(end('succeed', 'cmVzdWx0'));
    expect(model.transaction.state).toMatchObject({ status: 'succeed', result: 'cmVzdWx0' });
    const other = prepared();
    other.deliver(end('failed'));
    expect(other.transaction.state).toMatchObject({ status: 'failed', rollbackReason: 'refused' });
  });

  it('may be sent twice with the same status, not with another one', () => {
    const model = prepared();
    model.deliver(end('succeed', 'first'));
    expect(model.deliver(end('succeed', 'second'))).toBe(undefined);
    expect(model.transaction.state.result).toBe('first');
    expect(model.deliver(end('failed'))).toBe("current status 'succeed', cannot submit");
  });

  it('cannot be success once the workflow is aborting', () => {
    const model = prepared();
    model.deliver({ kind: 'abort', reason: 'step 2 refused', byOperator: false });
    expect(model.deliver(end('succeed'))).toBe("current status 'aborting', cannot submit");
    expect(model.deliver(end('failed'))).toBe(undefined);
    expect(model.status).toBe('failed');
  });

  it('cannot be submitted without a status', () => {
    expect(prepared().deliver({ kind: 'submitted', options: {} })).toContain('cannot submit a workflow');
  });
});

describe('workflow: a recorded commit', () => {
  function committing(): Model {
    const model = prepared();
    model.record('00', 'commit');
    return model;
  }

  it('is the decision to succeed: an abort and an end as failed are rejected (WF5)', () => {
    const model = committing();
    for (const byOperator of [false, true])
      expect(model.deliver({ kind: 'abort', reason: 'changed my mind', byOperator })).toBe(
        "current status 'prepared', cannot abort a workflow that has begun to commit",
      );
    expect(model.deliver(end('failed'))).toBe(
      "current status 'prepared', cannot finish a workflow as failed that has begun to commit",
    );
    expect(model.deliver(end('succeed'))).toBe(undefined);
    expect(model.status).toBe('succeed');
  });

  it('does not prevent an operator from force-stopping the workflow', () => {
    const model = committing();
    expect(model.deliver({ kind: 'stop', reason: 'INC-42' })).toBe(undefined);
    expect(model.status).toBe('failed');
  });
});

describe('workflow: parked by its code (WF6)', () => {
  const park = { kind: 'park' as const, reason: 'step debit was recorded by another version' };

  it('needs operator attention, is shown as such, and is not called back', () => {
    const model = prepared();
    model.waitForNext();
    model.deliver(park);
    expect(model.transaction.state).toMatchObject({ status: 'prepared', parked: park.reason, attention: true });
    expect(model.alerts).toMatchObject([{ error: park.reason }]);
    model.reply('UNKNOWN', 'it does not match');
    expect([model.isChecking, model.nextAtMs]).toEqual([false, null]);
  });

  it('is called back again when an operator retries it', () => {
    const model = prepared();
    model.deliver(park);
    expect(model.deliver({ kind: 'retry' })).toBe(undefined);
    expect([model.isChecking, model.transaction.state.parked]).toEqual([true, '']);
  });

  it('may be parked while it is aborting, and twice for the same reason', () => {
    const model = prepared();
    model.deliver({ kind: 'abort', reason: '', byOperator: false });
    model.deliver(park);
    const { state } = model.transaction;
    expect(model.deliver(park)).toBe(undefined);
    expect(model.transaction.state).toEqual(state);
    expect(state).toMatchObject({ status: 'aborting', parked: park.reason });
  });

  it('can be ended by code that is able to resume it', () => {
    const model = prepared();
    model.deliver(park);
    expect(model.deliver(end('succeed'))).toBe(undefined);
    expect(model.transaction.state).toMatchObject({ status: 'succeed', parked: '', attention: false });
  });

  it('is not parked once it is finished; other patterns are never parked by their clients', () => {
    const model = prepared();
    model.deliver(end('succeed'));
    expect(model.deliver(park)).toBe("current status 'succeed', cannot park");
    const other = new Model(message(1));
    other.deliver({ kind: 'prepared', again: false });
    expect(other.deliver(park)).toContain('cannot park');
  });
});

describe('workflow: callbacks', () => {
  it('come at the retry interval of the workflow, without backoff (WF3)', () => {
    const model = prepared({ retryIntervalMs: 3_000 });
    expect(model.nextInMs).toBe(3_000);
    model.waitForNext();
    expect(model.isChecking).toBe(true);
    for (const kind of ['UNKNOWN', 'ONGOING', 'UNKNOWN', 'SUCCESS', 'FAILURE'] as const) {
      model.reply(kind, 'x');
      expect([model.status, model.isChecking, model.nextInMs]).toEqual(['prepared', false, 3_000]);
      model.waitForNext();
    }
  });

  it('continue while the workflow is aborting', () => {
    const model = prepared();
    model.deliver({ kind: 'abort', reason: '', byOperator: false });
    model.waitForNext();
    expect(model.isChecking).toBe(true);
  });

  it('are postponed by an abort of the client, and not by an abort of an operator', () => {
    const model = prepared();
    model.nowMs += 9_000;
    model.deliver({ kind: 'abort', reason: '', byOperator: false });
    model.deliver({ kind: 'abort', reason: '', byOperator: false });
    expect([model.isChecking, model.nextInMs]).toEqual([false, 10_000]);
    model.deliver({ kind: 'abort', reason: '', byOperator: true });
    expect(model.isChecking).toBe(true);
  });

  it('are not caused by a client that prepares the workflow again', () => {
    const model = prepared();
    model.nowMs += 11_000;
    model.deliver({ kind: 'prepared', again: true });
    expect(model.isChecking).toBe(false);
  });

  it('end with the workflow', () => {
    const model = prepared();
    model.waitForNext();
    model.deliver(end('succeed'));
    expect([model.status, model.nextAtMs]).toEqual(['succeed', null]);
  });
});

describe('workflow: callbacks that repeatedly fail in the same way', () => {
  it('are one line of the timeline, with their number and the times of the first and the last', () => {
    const model = prepared({ retryIntervalMs: 1_000 });
    const callback = (reason: string): void => {
      model.waitForNext();
      model.reply('UNKNOWN', reason);
    };
    for (let n = 0; n < 300; n++) callback('connection refused');
    callback('timeout');
    callback('connection refused');
    const { timeline, timelineOmitted } = model.transaction.state;
    expect(timelineOmitted).toBe(0);
    const calls = timeline.filter((line) => line.kind === 'call');
    // The alert is a separate line between the calls before and after it.
    const counts = calls.map(({ count = 1 }) => count);
    expect(counts.reduce((sum, count) => sum + count)).toBe(302);
    expect(calls.length).toBeLessThanOrEqual(5);
    expect(calls.at(-1)).toMatchObject({ attempt: 302, reason: 'connection refused' });
    const longest = calls.find(({ count }) => count === Math.max(...counts));
    expect(longest?.firstAtMs).toBeLessThan(longest?.atMs ?? 0);
  });
});

describe('workflow: heartbeats (WF8)', () => {
  const heartbeat = { kind: 'heartbeat' as const };

  it('postpone the callback by the retry interval', () => {
    const model = prepared({ retryIntervalMs: 3_000 });
    for (let i = 0; i < 10; i++) {
      model.wait(1_000);
      expect(model.deliver(heartbeat)).toBe(undefined);
      expect([model.isChecking, model.nextInMs]).toEqual([false, 3_000]);
    }
    model.waitForNext();
    expect(model.isChecking).toBe(true);
  });

  it('postpone the callback also while the workflow is aborting', () => {
    const model = prepared({ retryIntervalMs: 3_000 });
    model.deliver({ kind: 'abort', reason: '', byOperator: true });
    model.reply('ONGOING');
    model.wait(1_000);
    model.deliver(heartbeat);
    expect(model.nextInMs).toBe(3_000);
  });

  it('are stored at most six times in an interval, however many come', () => {
    const model = prepared({ retryIntervalMs: 6_000 });
    let stored = 0;
    for (let ms = 0; ms < 6_000; ms += 10) {
      model.wait(10);
      const before = model.nextAtMs;
      model.deliver(heartbeat);
      if (model.nextAtMs !== before) stored++;
    }
    expect(stored).toBe(6);
    expect(model.isChecking).toBe(false);
  });

  it('change nothing while the workflow is being called back, or is parked', () => {
    const model = prepared({ retryIntervalMs: 3_000 });
    model.waitForNext();
    model.deliver(heartbeat);
    expect([model.isChecking, model.nextAtMs]).toEqual([true, null]);
    model.deliver({ kind: 'park', reason: 'other code' });
    model.reply('ONGOING');
    model.deliver(heartbeat);
    expect([model.isChecking, model.nextAtMs, model.transaction.state.parked]).toEqual([false, null, 'other code']);
  });

  it('do not delay a retry by an operator', () => {
    const model = prepared();
    model.deliver(heartbeat);
    model.deliver({ kind: 'retry' });
    expect(model.isChecking).toBe(true);
  });

  it('are rejected once the workflow is finished, and for any other pattern', () => {
    const model = prepared();
    model.deliver(end('succeed'));
    expect(model.deliver(heartbeat)).toBe("current status 'succeed', cannot send a heartbeat");
    const other = new Model(message(1));
    other.deliver({ kind: 'prepared', again: false });
    expect(other.deliver(heartbeat)).toContain('heartbeat');
  });
});

describe('workflow: heartbeats while the clocks of nodes differ', () => {
  it('one that arrives at a node whose engine time is behind that of the last heartbeat is stored', () => {
    const model = prepared({ retryIntervalMs: 3_000 });
    model.wait(1_000);
    model.deliver({ kind: 'heartbeat' });
    model.nowMs -= 500;
    model.deliver({ kind: 'heartbeat' });
    expect(model.nextInMs).toBe(3_000);
  });
});

describe('workflow: claimed before its callback is due (WF10)', () => {
  function claimed(sinceHeartbeatMs: number): Model {
    const model = prepared({ retryIntervalMs: 3_000 });
    model.wait(1_000);
    model.deliver({ kind: 'heartbeat' });
    model.nowMs += sinceHeartbeatMs;
    model.makeDue();
    return model;
  }

  it('is called back an interval later if its client sent a heartbeat less than half an interval ago', () => {
    const model = claimed(1_400);
    expect([model.isChecking, model.nextInMs]).toEqual([false, 3_000]);
    model.waitForNext();
    expect(model.isChecking).toBe(true);
  });

  it('is delayed once', () => {
    const model = claimed(1_400);
    model.makeDue();
    expect(model.isChecking).toBe(true);
  });

  it('is called back at once if its client has been silent for longer, or sends no heartbeats', () => {
    expect(claimed(1_600).isChecking).toBe(true);
    const silent = prepared({ retryIntervalMs: 3_000 });
    silent.nowMs += 100;
    silent.makeDue();
    expect(silent.isChecking).toBe(true);
  });

  it('is called back an interval later if a step was recorded since', () => {
    const model = prepared({ retryIntervalMs: 3_000 });
    model.deliver({ kind: 'heartbeat' });
    model.nowMs += 1_800;
    model.record('step', 'action');
    model.makeDue();
    expect([model.isChecking, model.nextInMs]).toEqual([false, 3_000]);
  });
});

describe('workflow: an outage of all nodes (WF9)', () => {
  function beating(): Model {
    const model = prepared({ retryIntervalMs: 3_000 });
    model.wait(1_000);
    model.deliver({ kind: 'heartbeat' });
    return model;
  }

  it('delays the callback once by the interval, so that a live client comes first', () => {
    const model = beating();
    model.wait(60_000);
    expect([model.isChecking, model.nextInMs]).toEqual([false, 3_000]);
    model.wait(3_000);
    expect(model.isChecking).toBe(true);
  });

  it('never delays it twice without a heartbeat in between, however late each claim is', () => {
    const model = beating();
    model.wait(60_000);
    model.wait(60_000);
    expect(model.isChecking).toBe(true);
  });

  it('delays nothing of a client that sends no heartbeats', () => {
    const model = prepared({ retryIntervalMs: 3_000 });
    model.wait(60_000);
    expect(model.isChecking).toBe(true);
  });

  it('is not assumed for a step recorded long after the last heartbeat', () => {
    const model = beating();
    model.nowMs += 50_000;
    model.record('step', 'action');
    model.wait(3_000);
    expect(model.isChecking).toBe(true);
  });
});
