import { describe, expect, it } from 'vitest';
import { newTransaction, step, type Transaction, type TransactionEvent } from '../../src/patterns/index.ts';
import { CREATED_AT_MS, KEY, message, POLICY, saga } from './support/definitions.ts';

const STEPS = 1_000;
const MOMENT = { nowMs: CREATED_AT_MS, random: 0, policy: POLICY };
const SUCCESS = { kind: 'SUCCESS', reason: '' } as const;

function stepped(transaction: Transaction, event: TransactionEvent): Transaction {
  const result = step(transaction, event, MOMENT);
  if ('refusal' in result) throw new Error(result.refusal);
  return result.transaction;
}

/** The list, and how many of its elements were read. */
function counted<T extends object>(list: T): { readonly list: T; readonly reads: () => number } {
  let reads = 0;
  const proxy = new Proxy(list, {
    get: (target, name) => {
      if (typeof name === 'string' && /^\d+$/.test(name)) reads++;
      return Reflect.get(target, name) as unknown;
    },
  });
  return { list: proxy, reads: () => reads };
}

const submitted = (definition: Transaction['definition']): Transaction =>
  stepped(newTransaction(KEY, definition, CREATED_AT_MS), { kind: 'submitted', options: {} });

describe('a transaction with many steps', () => {
  it.each([
    ['saga', saga(STEPS, { concurrent: true })],
    ['message', message(STEPS, { concurrent: true })],
  ])('(%s) reads the list of its running calls a few times for a response', (_, definition) => {
    const transaction = submitted(definition);
    const [branch = -1] = transaction.running;
    expect(transaction.running).toHaveLength(STEPS);
    const { list, reads } = counted(transaction.running);
    stepped({ ...transaction, running: list }, { kind: 'responded', branch, result: SUCCESS, durationMs: 1 });
    stepped({ ...transaction, running: list }, { kind: 'timer' });
    expect(reads()).toBeLessThan(8 * STEPS);
  });

  it('reads each list of dependencies a few times while it compensates', () => {
    const lists = counted(Array.from({ length: STEPS }, (_, i) => (i === 0 ? [] : [i - 1])));
    const definition = saga(STEPS, { concurrent: true });
    const transaction = submitted(definition);
    const ordered = { ...transaction, definition: { ...definition, orders: lists.list } };
    stepped({ ...ordered, running: [] }, { kind: 'abort', reason: 'asked to', byOperator: true });
    expect(lists.reads()).toBeLessThan(8 * STEPS);
  });

  it('copies its list of ops a few times per response, and searches it once for calls to start', () => {
    for (const definition of [saga(STEPS), saga(STEPS, { concurrent: true }), message(STEPS, { concurrent: true })]) {
      const transaction = submitted(definition);
      const { list, reads } = counted(transaction.state.branches);
      const [branch = -1] = transaction.running;
      const running = { ...transaction, state: { ...transaction.state, branches: list } };
      stepped(running, { kind: 'responded', branch, result: SUCCESS, durationMs: 1 });
      expect(reads()).toBeLessThanOrEqual(2 * STEPS + 10);
    }
  });

  it('is deferred as a whole by one event, and is due again after the time that it states', () => {
    const transaction = submitted(saga(STEPS, { concurrent: true }));
    const result = { kind: 'UNKNOWN', reason: 'queue full' } as const;
    const event = { kind: 'deferred', calls: transaction.running, result, againInMs: 7_000 } as const;
    const after = step(transaction, event, MOMENT);
    if ('refusal' in after) throw new Error(after.refusal);
    expect(after.transaction.running).toEqual([]);
    expect(after.effects).toMatchObject({ calls: [], persist: 'wait', wakeAtMs: CREATED_AT_MS + 7_000 });
    expect(after.transaction.state.timeline.filter(({ kind }) => kind === 'call')).toEqual([]);
  });
});
