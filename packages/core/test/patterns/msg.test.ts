import { describe, expect, it } from 'vitest';
import type { Definition } from '../../src/patterns/index.ts';
import { message } from './support/definitions.ts';
import { Model } from './support/model.ts';

function prepared(definition: Definition): Model {
  const model = new Model(definition);
  model.deliver({ kind: 'prepared', again: false });
  return model;
}

function submitted(definition: Definition, options: Partial<Definition['options']> = {}): Model {
  const model = prepared(definition);
  model.deliver({ kind: 'submitted', options });
  return model;
}

/** Prepared, past its timeout, with a check-back in flight. */
function inCheckBack(definition: Definition = message(1)): Model {
  const model = prepared(definition);
  model.waitForNext();
  expect(model.isChecking).toBe(true);
  return model;
}

describe('msg: delivery', () => {
  it('calls one step after another once it is submitted', () => {
    const model = submitted(message(2));
    expect(model.running).toEqual(['01 action']);
    model.respond('01 action');
    expect(model.running).toEqual(['02 action']);
    model.respond('02 action');
    expect(model.status).toBe('succeed');
  });

  it('can be submitted without having been prepared', () => {
    const model = new Model(message(1));
    model.deliver({ kind: 'submitted', options: {} });
    expect(model.running).toEqual(['01 action']);
  });

  it('calls all steps at once when concurrent', () => {
    expect(submitted(message(3, { concurrent: true })).running).toEqual(['01 action', '02 action', '03 action']);
  });

  it.each(['FAILURE', 'UNKNOWN', 'ONGOING'] as const)(
    'never rolls back: a step that returns %s is called again',
    (kind) => {
      const model = submitted(message(1));
      model.respond('01 action', kind);
      expect([model.status, model.nextInMs]).toEqual(['submitted', 10_000]);
      expect(model.transaction.state.attention).toBe(kind === 'FAILURE');
      model.waitForNext();
      model.respond('01 action');
      expect(model.status).toBe('succeed');
    },
  );

  it('fans a topic out to its subscribers, with branch ids 01-01, 01-02', () => {
    const [step] = message(1).steps;
    const steps = [{ ...step, action: 'topic://orders', compensate: '', subscribers: ['http://a', 'http://b'] }];
    const model = submitted({ ...message(1, { concurrent: true }), steps });
    expect(model.running).toEqual(['01-01 action', '01-02 action']);
    expect(model.transaction.branches.map((branch) => branch.url)).toEqual(['http://a', 'http://b']);
  });

  it('keeps the branch id 01 for a topic with one subscriber', () => {
    const steps = [{ action: 'topic://orders', compensate: '', subscribers: ['http://a'] }];
    expect(submitted({ ...message(1), steps }).running).toEqual(['01 action']);
  });

  it('is not rolled back once submitted', () => {
    expect(submitted(message(1)).deliver({ kind: 'abort', reason: '', byOperator: true })).toBe(
      "current status 'submitted', cannot abort",
    );
  });
});

describe('msg: delay', () => {
  it('starts the first step after the delay that the submit specifies', () => {
    const model = prepared(message(1));
    model.nowMs += 5_000;
    model.deliver({ kind: 'submitted', options: { delayMs: 3_000 } });
    expect([model.status, model.running, model.nextInMs]).toEqual(['submitted', [], 3_000]);
    model.waitForNext();
    expect(model.running).toEqual(['01 action']);
  });

  it('is not shortened by a second submit or a retry', () => {
    const model = submitted(message(1), { delayMs: 3_000 });
    model.deliver({ kind: 'submitted', options: {} });
    model.deliver({ kind: 'retry' });
    expect([model.running, model.nextInMs]).toEqual([[], 3_000]);
  });
});

describe('msg: check-back', () => {
  it('queries the client 35 seconds after the prepare, or after the timeout of the message', () => {
    expect(prepared(message(1)).nextInMs).toBe(35_000);
    expect(prepared(message(1, { timeoutToFailMs: 4_000 })).nextInMs).toBe(4_000);
  });

  it('SUCCESS submits the message', () => {
    const model = inCheckBack();
    model.reply('SUCCESS');
    expect([model.status, model.running]).toEqual(['submitted', ['01 action']]);
  });

  it('FAILURE fails the message, with the response as the reason', () => {
    const model = inCheckBack();
    model.reply('FAILURE', 'rolled back');
    expect([model.status, model.transaction.state.rollbackReason]).toEqual(['failed', 'rolled back']);
  });

  it('ONGOING leads to the next query after the plain interval', () => {
    const model = inCheckBack(message(1, { retryIntervalMs: 2_000 }));
    for (let i = 0; i < 3; i++) {
      model.reply('ONGOING');
      expect(model.nextInMs).toBe(2_000);
      model.waitForNext();
    }
  });

  it('UNKNOWN leads to the next query with backoff', () => {
    const model = inCheckBack(message(1, { retryIntervalMs: 2_000 }));
    const intervals: (number | null)[] = [];
    for (let i = 0; i < 7; i++) {
      model.reply('UNKNOWN', 'down');
      intervals.push(model.nextInMs);
      model.waitForNext();
    }
    expect(intervals).toEqual([2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
    expect(model.alerts).toEqual([{ branch: '00 msg', error: 'down', retryCount: 3 }]);
  });

  it('a query that was not sent because its destination is full does not count', () => {
    const model = inCheckBack();
    model.defer('check');
    expect([model.nextInMs, model.transaction.state.checkFailures, model.transaction.state.retries]).toEqual([
      1_000, 0, 0,
    ]);
    expect(model.transaction.state.timeline.filter((line) => line.kind === 'call')).toEqual([]);
  });

  it('a response that comes after the submit changes nothing', () => {
    const model = inCheckBack();
    model.deliver({ kind: 'submitted', options: {} });
    model.reply('FAILURE');
    expect([model.status, model.running]).toEqual(['submitted', ['01 action']]);
  });

  it('is not sent when the message is prepared again', () => {
    const model = prepared(message(1));
    model.nowMs += 40_000;
    model.deliver({ kind: 'prepared', again: true });
    expect(model.isChecking).toBe(false);
  });

  it('counts its queries beyond the bound of the timeline', () => {
    const model = inCheckBack();
    for (let i = 0; i < 150; i++) {
      model.reply('ONGOING');
      model.waitForNext();
    }
    model.reply('ONGOING');
    expect(model.transaction.state.timeline.findLast((line) => line.kind === 'call')).toMatchObject({ attempt: 151 });
  });

  it('an abort before the submit fails the message', () => {
    const model = prepared(message(1));
    model.deliver({ kind: 'abort', reason: 'local transaction failed', byOperator: false });
    expect([model.status, model.transaction.state.rollbackReason]).toEqual(['failed', 'local transaction failed']);
  });

  it('a message without a check-back URL is parked, and a late submit still delivers it', () => {
    const model = prepared({ ...message(1), queryPrepared: '' });
    model.waitForNext();
    expect(model.transaction.state.parked).toContain('no check-back URL');
    expect(model.nextAtMs).toBe(null);
    expect(model.deliver({ kind: 'submitted', options: {} })).toBe(undefined);
    expect(model.running).toEqual(['01 action']);
    expect(model.transaction.state.attention).toBe(false);
  });
});
