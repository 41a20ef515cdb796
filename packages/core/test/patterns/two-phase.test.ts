import { describe, expect, it } from 'vitest';
import { twoPhase } from './support/definitions.ts';
import { Model } from './support/model.ts';

function prepared(pattern: 'tcc' | 'xa', branches: readonly string[], options = {}): Model {
  const model = new Model(twoPhase(pattern, options));
  model.deliver({ kind: 'prepared', again: false });
  const ops = pattern === 'tcc' ? ['cancel', 'confirm'] : ['rollback', 'commit'];
  for (const branchId of branches) model.register(branchId, ...ops);
  return model;
}

function finish(model: Model): string[] {
  const order: string[] = [];
  for (let [next] = model.running; next !== undefined; [next] = model.running) {
    order.push(next);
    model.respond(next);
  }
  return order;
}

describe('tcc', () => {
  it('confirms newest first after the submit, a nested branch before its parent', () => {
    const model = prepared('tcc', ['01', '0101', '02']);
    model.deliver({ kind: 'submitted', options: {} });
    expect(finish(model)).toEqual(['02 confirm', '0101 confirm', '01 confirm']);
    expect(model.status).toBe('succeed');
  });

  it('cancels newest first after an abort', () => {
    const model = prepared('tcc', ['01', '02']);
    model.deliver({ kind: 'abort', reason: 'try refused', byOperator: false });
    expect(model.transaction.state.rollbackReason).toBe('try refused');
    expect(finish(model)).toEqual(['02 cancel', '01 cancel']);
    expect(model.status).toBe('failed');
  });

  it('waits for a branch that does not succeed, and continues from there', () => {
    const model = prepared('tcc', ['01', '02']);
    model.deliver({ kind: 'submitted', options: {} });
    model.respond('02 confirm', 'UNKNOWN');
    expect([model.running, model.nextInMs]).toEqual([[], 10_000]);
    model.waitForNext();
    expect(finish(model)).toEqual(['02 confirm', '01 confirm']);
  });
});

describe('a tcc with a branch whose registration is completed later', () => {
  it('is aborted when it is submitted before that, and every branch is cancelled', () => {
    const model = prepared('tcc', ['01']);
    model.register('0101', 'cancel');
    model.deliver({ kind: 'submitted', options: {} });
    expect(model.status).toBe('aborting');
    expect(model.transaction.state.rollbackReason).toContain('branch 0101');
    expect(finish(model)).toEqual(['0101 cancel', '01 cancel']);
    expect(model.status).toBe('failed');
  });

  it('confirms every branch when it is submitted afterwards, in the order in which the registrations began', () => {
    const model = prepared('tcc', ['01']);
    for (const branchId of ['0101', '010101']) model.register(branchId, 'cancel');
    // The inner part ends first.
    for (const branchId of ['010101', '0101']) model.register(branchId, 'confirm');
    model.register('02', 'cancel', 'confirm');
    model.deliver({ kind: 'submitted', options: {} });
    expect(finish(model)).toEqual(['02 confirm', '010101 confirm', '0101 confirm', '01 confirm']);
    expect(model.status).toBe('succeed');
  });
});

describe('xa', () => {
  it('commits oldest first after the submit', () => {
    const model = prepared('xa', ['01', '02']);
    model.deliver({ kind: 'submitted', options: {} });
    expect(finish(model)).toEqual(['01 commit', '02 commit']);
    expect(model.status).toBe('succeed');
  });

  it('rolls back oldest first after an abort', () => {
    const model = prepared('xa', ['01', '02']);
    model.deliver({ kind: 'abort', reason: '', byOperator: false });
    expect(finish(model)).toEqual(['01 rollback', '02 rollback']);
    expect(model.status).toBe('failed');
  });
});

describe.each(['tcc', 'xa'] as const)('%s', (pattern) => {
  it('is submitted when the branches are those that the run called, with what is nested in them', () => {
    const model = prepared(pattern, ['01', '0101', '02']);
    model.deliver({ kind: 'submitted', options: {}, branches: ['02', '01'] });
    expect(model.status).toBe('submitted');
    model.deliver({ kind: 'submitted', options: {}, branches: ['01', '02'] });
    finish(model);
    expect(model.status).toBe('succeed');
  });

  it.each([
    [['01', '02'], ['01'], 'branch 02 is registered, but the run that submitted did not call it'],
    [['01'], [], 'branch 01 is registered, but the run that submitted did not call it'],
    [['1', '12'], ['1'], 'branch 12 is registered, but the run that submitted did not call it'],
    [['0101'], ['02'], 'branch 0101 is registered, but the run that submitted did not call it'],
    [['01'], ['01', '02'], 'branch 02 was called, but is not registered'],
  ])('with %j registered is aborted when the run that submits called %j', (registered, called, reason) => {
    const model = prepared(pattern, registered);
    model.deliver({ kind: 'submitted', options: {}, branches: called });
    expect([model.status, model.transaction.state.rollbackReason]).toEqual(['aborting', reason]);
    expect(finish(model)).toHaveLength(registered.length);
    expect(model.status).toBe('failed');
  });

  it('rejects a submit with branches other than those submitted before', () => {
    const model = prepared(pattern, ['01', '02']);
    model.deliver({ kind: 'submitted', options: {}, branches: ['01', '02'] });
    const again = () => model.deliver({ kind: 'submitted', options: {}, branches: ['01'] });
    expect(again()).toContain('branch 02 is registered');
    finish(model);
    expect(again()).toContain('branch 02 is registered');
    expect(model.status).toBe('succeed');
  });

  it('is aborted after 35 seconds by default', () => {
    const model = prepared(pattern, ['01']);
    expect(model.nextInMs).toBe(35_000);
    model.waitForNext();
    expect([model.status, model.transaction.state.rollbackReason]).toEqual(['aborting', 'Timeout after 35 seconds']);
  });

  it('is aborted at the timeout that it specifies', () => {
    const model = prepared(pattern, ['01'], { timeoutToFailMs: 2_000 });
    model.waitForNext();
    expect(model.transaction.state.rollbackReason).toBe('Timeout after 2 seconds');
  });

  it('cannot be aborted once submitted, nor submitted once aborting', () => {
    const model = prepared(pattern, ['01']);
    model.deliver({ kind: 'submitted', options: {} });
    expect(model.deliver({ kind: 'abort', reason: '', byOperator: false })).toBe(
      "current status 'submitted', cannot abort",
    );
    const other = prepared(pattern, ['01']);
    other.deliver({ kind: 'abort', reason: '', byOperator: false });
    expect(other.deliver({ kind: 'submitted', options: {} })).toBe("current status 'aborting', cannot submit");
  });

  it('is driven at once when it is submitted or aborted again', () => {
    const model = prepared(pattern, ['01']);
    model.deliver({ kind: 'abort', reason: '', byOperator: false });
    model.respond(model.running[0] ?? '', 'UNKNOWN');
    expect(model.running).toEqual([]);
    model.deliver({ kind: 'abort', reason: '', byOperator: false });
    expect(model.running).toHaveLength(1);
  });

  it('is not changed by being prepared again, even late', () => {
    const model = prepared(pattern, ['01']);
    model.nowMs += 40_000;
    expect(model.deliver({ kind: 'prepared', again: true })).toBe(undefined);
    expect(model.status).toBe('prepared');
  });

  it('ends at once without branches', () => {
    const model = prepared(pattern, []);
    model.deliver({ kind: 'submitted', options: {} });
    expect(model.status).toBe('succeed');
  });

  it('includes branches that were registered while the decision was in flight', () => {
    const model = prepared(pattern, ['01']);
    model.register('02', ...(pattern === 'tcc' ? ['cancel', 'confirm'] : ['rollback', 'commit']));
    model.deliver({ kind: 'submitted', options: {} });
    expect(finish(model)).toHaveLength(2);
  });
});
