import { describe, expect, it } from 'vitest';
import type { Definition, TimelineEntry } from '../../src/patterns/index.ts';
import { saga } from './support/definitions.ts';
import { Model } from './support/model.ts';

function submitted(definition: Definition): Model {
  const model = new Model(definition);
  model.deliver({ kind: 'submitted', options: {} });
  return model;
}

/**
 * Ends each running call with success until none is running; returns the ops in call order.
 */
function finish(model: Model): string[] {
  const order: string[] = [];
  for (let [next] = model.running; next !== undefined; [next] = model.running) {
    order.push(next);
    model.respond(next);
  }
  return order;
}

const lastCall = (model: Model): Extract<TimelineEntry, { kind: 'call' }> | undefined =>
  model.transaction.state.timeline.findLast((line) => line.kind === 'call');

describe('saga: forward execution', () => {
  it('calls the actions one after another and succeeds', () => {
    const model = submitted(saga(3));
    expect(finish(model)).toEqual(['01 action', '02 action', '03 action']);
    expect(model.status).toBe('succeed');
  });

  it('lists its branches as compensate, then action, for each step', () => {
    const { branches } = submitted(saga(2)).transaction;
    expect(branches.map(({ branchId, op }) => `${branchId} ${op}`)).toEqual([
      '01 compensate',
      '01 action',
      '02 compensate',
      '02 action',
    ]);
    expect(Buffer.from(branches[2]?.payload ?? []).toString()).toBe('payload 1');
  });

  it('starts all steps at once when concurrent', () => {
    expect(submitted(saga(3, { concurrent: true })).running).toEqual(['01 action', '02 action', '03 action']);
  });

  it('starts a concurrent step when all its dependencies have succeeded', () => {
    const model = submitted(saga(4, { concurrent: true }, { 2: [0, 1], 3: [1] }));
    expect(model.running).toEqual(['01 action', '02 action']);
    model.respond('01 action');
    expect(model.running).toEqual(['02 action']);
    model.respond('02 action');
    expect(model.running).toEqual(['03 action', '04 action']);
  });

  it('ignores dependencies unless it is concurrent', () => {
    expect(finish(submitted(saga(2, {}, { 0: [1] })))).toEqual(['01 action', '02 action']);
  });

  it('succeeds at once without steps', () => {
    expect(submitted(saga(0)).status).toBe('succeed');
  });

  it('calls no branch while it is prepared, and runs when it is submitted', () => {
    const model = new Model(saga(1));
    model.deliver({ kind: 'prepared', again: false });
    expect([model.status, model.running, model.nextAtMs]).toEqual(['prepared', [], null]);
    model.deliver({ kind: 'submitted', options: {} });
    expect(model.running).toEqual(['01 action']);
  });
});

describe('saga: rollback', () => {
  it('compensates in reverse order, including the failed step, never a step that was not started', () => {
    const model = submitted(saga(4));
    model.respond('01 action');
    model.respond('02 action');
    model.respond('03 action', 'FAILURE', '{"message":"out of stock"}');
    expect(model.status).toBe('aborting');
    expect(model.transaction.state.rollbackReason).toContain('out of stock');
    expect(finish(model)).toEqual(['03 compensate', '02 compensate', '01 compensate']);
    expect(model.status).toBe('failed');
  });

  it('compensates concurrently, each step after all its dependents', () => {
    const model = submitted(saga(4, { concurrent: true }, { 2: [0], 3: [2] }));
    model.respond('01 action');
    model.respond('02 action');
    model.respond('03 action');
    model.respond('04 action', 'FAILURE');
    expect(model.running).toEqual(['02 compensate', '04 compensate']);
    model.respond('04 compensate');
    expect(model.running).toEqual(['02 compensate', '03 compensate']);
    model.respond('03 compensate');
    expect(model.running).toEqual(['02 compensate', '01 compensate']);
  });

  it.each(['SUCCESS', 'FAILURE', 'UNKNOWN', 'ONGOING'] as const)(
    'compensates a branch whose action still runs after that action has returned %s',
    (kind) => {
      const model = submitted(saga(2, { concurrent: true }));
      model.respond('01 action', 'FAILURE', 'no');
      expect(model.running).toEqual(['02 action', '01 compensate']);
      model.respond('02 action', kind, 'late');
      expect(model.running).toEqual(['01 compensate', '02 compensate']);
      expect(model.transaction.state.rollbackReason).toBe('no');
    },
  );

  it('does not call an action again after the decision, and records no time of a next attempt', () => {
    const model = submitted(saga(2, { concurrent: true }));
    model.respond('01 action', 'FAILURE', 'no');
    model.respond('02 action', 'UNKNOWN', 'timed out');
    expect(lastCall(model)).toMatchObject({ branchId: '02', op: 'action', retryAtMs: 0 });
    expect(model.alerts).toEqual([]);
    expect(finish(model)).toEqual(['01 compensate', '02 compensate']);
  });

  it('retries a compensation with backoff until it succeeds, and raises an alert when it returns FAILURE', () => {
    const model = submitted(saga(1, { retryIntervalMs: 1_000 }));
    model.respond('01 action', 'FAILURE');
    model.respond('01 compensate', 'FAILURE', 'cannot refund');
    expect([model.status, model.nextInMs, model.transaction.state.attention]).toEqual(['aborting', 1_000, true]);
    expect(model.alerts).toEqual([{ branch: '01 compensate', error: 'cannot refund', retryCount: 1 }]);
    model.waitForNext();
    model.respond('01 compensate', 'UNKNOWN');
    expect(model.nextInMs).toBe(2_000);
    model.waitForNext();
    model.respond('01 compensate');
    expect([model.status, model.transaction.state.attention]).toEqual(['failed', false]);
  });

  it('compensates every step if its node crashed before the decision, as any step may have been started', () => {
    const model = submitted(saga(3));
    model.respond('01 action');
    model.crash(false);
    expect(model.running).toEqual(['01 action']);
    model.respond('01 action', 'FAILURE');
    expect(finish(model)).toEqual(['03 compensate', '02 compensate', '01 compensate']);
  });

  it('keeps the set to compensate of the decision when its node crashes afterwards', () => {
    const model = submitted(saga(3));
    model.respond('01 action', 'FAILURE');
    model.crash(false);
    expect(finish(model)).toEqual(['01 compensate']);
    expect(model.status).toBe('failed');
  });

  it('keeps track of the started actions across an orderly release', () => {
    const model = submitted(saga(3));
    model.respond('01 action');
    model.respond('02 action', 'UNKNOWN');
    expect(model.running).toEqual([]);
    model.waitForNext();
    model.respond('02 action', 'FAILURE');
    expect(finish(model)).toEqual(['02 compensate', '01 compensate']);
  });

  it('carries out an abort command that a crashed node left, and compensates every step', () => {
    const model = submitted(saga(2));
    model.respond('01 action');
    const { transaction } = model;
    model.crash(false, 0);
    model.deliver({ kind: 'resumed', claims: 2, abort: { reason: 'an operator said so' } });
    expect(transaction.state.unbroken).toBe(true);
    expect(model.transaction.state).toMatchObject({
      status: 'aborting',
      compensate: [0, 1],
      rollbackReason: 'an operator said so',
    });
  });
});

describe('saga: timeout, limit, abort', () => {
  it('has no timeout by default', () => {
    const model = submitted(saga(1));
    expect(model.nextAtMs).toBe(null);
  });

  it('aborts at its timeout with the seconds in the reason, while a call still runs', () => {
    const model = submitted(saga(2, { timeoutToFailMs: 7_000 }));
    model.respond('01 action');
    expect(model.nextInMs).toBe(7_000);
    model.waitForNext();
    expect([model.status, model.transaction.state.rollbackReason]).toEqual(['aborting', 'Timeout after 7 seconds']);
    expect(model.running).toEqual(['02 action']);
    model.respond('02 action');
    expect(finish(model)).toEqual(['02 compensate', '01 compensate']);
  });

  it('has no timeout any more once it is aborting', () => {
    const model = submitted(saga(1, { timeoutToFailMs: 7_000 }));
    model.respond('01 action', 'FAILURE', 'no');
    model.respond('01 compensate', 'UNKNOWN');
    model.wait(60_000);
    expect(model.transaction.state.rollbackReason).toBe('no');
  });

  it('retries at once within its retry limit, which counts over all actions, ONGOING included', () => {
    const model = submitted(saga(2, { retryLimit: 3 }));
    model.respond('01 action', 'UNKNOWN');
    expect(lastCall(model)).toMatchObject({ attempt: 1, retryAtMs: model.nowMs });
    model.respond('01 action', 'ONGOING');
    model.respond('01 action');
    model.respond('02 action', 'UNKNOWN');
    expect(model.running).toEqual(['02 action']);
    model.respond('02 action', 'UNKNOWN');
    expect(model.transaction.state.rollbackReason).toBe('RetryCount is greater than RetryLimit, RetryLimit: 3');
    expect(lastCall(model)).toMatchObject({ op: 'action', attempt: 2, retryAtMs: 0 });
    expect(finish(model)).toEqual(['02 compensate', '01 compensate']);
  });

  it('makes the first ten retries of its limit at once and delays the others, up to the plain interval', () => {
    const model = submitted(saga(1, { retryLimit: 1_000_000_000, retryIntervalMs: 1_000 }));
    const delays: number[] = [];
    for (let i = 0; i < 16; i++) {
      model.respond('01 action', 'UNKNOWN');
      const call = lastCall(model);
      if (call !== undefined) delays.push(call.retryAtMs - model.nowMs);
      if (model.running.length === 0) model.waitForNext();
    }
    expect(delays).toEqual([...Array<number>(10).fill(0), 100, 200, 400, 800, 1_000, 1_000]);
  });

  it('does not count calls that were not made', () => {
    const model = submitted(saga(1, { retryLimit: 1 }));
    const [branch = -1] = model.transaction.running;
    for (let i = 0; i < 3; i++) {
      model.defer(branch);
      expect([model.status, model.nextInMs]).toEqual(['submitted', 1_000]);
      model.waitForNext();
    }
    expect(model.transaction.state.timeline.filter((line) => line.kind === 'call')).toEqual([]);
  });

  it('does not limit compensations', () => {
    const model = submitted(saga(1, { retryLimit: 1 }));
    model.respond('01 action', 'FAILURE');
    for (let i = 0; i < 4; i++) {
      model.respond('01 compensate', 'UNKNOWN');
      expect(model.running).toEqual([]);
      model.waitForNext();
    }
    expect(model.running).toEqual(['01 compensate']);
  });

  it('can be aborted by an operator only', () => {
    const model = submitted(saga(2));
    model.respond('01 action');
    expect(model.deliver({ kind: 'abort', reason: 'x', byOperator: false })).toBe(
      "current status 'submitted', cannot abort a saga",
    );
    expect(model.deliver({ kind: 'abort', reason: 'changed our mind', byOperator: true })).toBe(undefined);
    expect([model.status, model.transaction.state.rollbackReason]).toEqual(['aborting', 'changed our mind']);
  });

  it('resumes when it is submitted again, and rejects another submit once it is aborting', () => {
    const model = submitted(saga(2));
    model.respond('01 action');
    model.respond('02 action', 'UNKNOWN');
    model.deliver({ kind: 'submitted', options: {} });
    expect(model.running).toEqual(['02 action']);
    model.respond('02 action', 'FAILURE');
    expect(model.deliver({ kind: 'submitted', options: {} })).toBe("current status 'aborting', cannot submit");
  });
});

describe('saga: operator attention', () => {
  it('a failure that starts the rollback is progress, not another attempt without progress', () => {
    const model = submitted(saga(1, { retryIntervalMs: 1_000 }));
    model.respond('01 action', 'UNKNOWN');
    model.waitForNext();
    model.respond('01 action', 'UNKNOWN');
    model.waitForNext();
    model.respond('01 action', 'FAILURE');
    expect([model.alerts, model.transaction.state.retries]).toEqual([[], 0]);
  });

  it('a call that can never be made needs it at once, with the reason', () => {
    const model = submitted(saga(1));
    model.respondWith(0, { kind: 'UNKNOWN', reason: 'gRPC cannot carry the gid', uncallable: true });
    expect([model.status, model.transaction.state.attention]).toEqual(['submitted', true]);
    expect(model.transaction.state.timeline.at(-1)).toMatchObject({
      kind: 'alert',
      detail: 'needs operator attention: a call cannot be made: gRPC cannot carry the gid',
    });
    // A later version may be able to make the call.
    model.waitForNext();
    model.respond('01 action');
    expect([model.status, model.transaction.state.attention]).toEqual(['succeed', false]);
  });

  it('a decision to abort ends the need for attention', () => {
    const model = submitted(saga(1, { retryIntervalMs: 1_000 }));
    for (let i = 0; i < 3; i++) {
      model.respond('01 action', 'UNKNOWN', 'down');
      model.waitForNext();
    }
    expect(model.transaction.state.attention).toBe(true);
    model.deliver({ kind: 'abort', reason: 'enough', byOperator: true });
    expect([model.status, model.transaction.state.attention]).toEqual(['aborting', false]);
  });
});
