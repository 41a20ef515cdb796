import { describe, expect, it } from 'vitest';
import { isRefusal, newTransaction, step, type Transaction, type TransactionEvent } from '../../src/patterns/index.ts';
import { IMPORT_UNFINISHED } from '../../src/patterns/state.ts';
import { CREATED_AT_MS, KEY, POLICY, twoPhase } from './support/definitions.ts';

const created = newTransaction(KEY, twoPhase('tcc', {}), CREATED_AT_MS);
const imported: Transaction = { ...created, state: { ...created.state, parked: IMPORT_UNFINISHED } };
const take = (event: TransactionEvent) => step(imported, event, { nowMs: CREATED_AT_MS, random: 0, policy: POLICY });

describe('a transaction whose import has not finished', () => {
  it.each<TransactionEvent>([
    { kind: 'prepared', again: false },
    { kind: 'submitted', options: {} },
    { kind: 'abort', reason: '', byOperator: true },
    { kind: 'retry' },
  ])('is not changed by a command, since another coordinator may drive it: $kind', (event) => {
    expect(take(event)).toEqual({ refusal: IMPORT_UNFINISHED });
  });

  it('can be force-stopped', () => {
    const stopped = take({ kind: 'stop', reason: 'not wanted' });
    expect(isRefusal(stopped) ? stopped : stopped.transaction.state.status).toBe('failed');
  });
});
