import { describe, expect, it } from 'vitest';
import type { PassOutcome } from '@holdfast/core';
import { PATTERNS, RESULTS, STATUSES } from '@holdfast/protocol';
import { outcomeOf } from '../../src/dtm/outcome.ts';

const pass = (fields: Partial<PassOutcome>): Omit<PassOutcome, 'view'> => ({
  status: 'submitted',
  waited: true,
  rollbackReason: '',
  lastResult: undefined,
  ...fields,
});

describe('the outcome of a submit', () => {
  it('is SUCCESS when the caller did not wait, and when the transaction succeeded', () => {
    for (const pattern of PATTERNS) {
      for (const status of STATUSES) expect(outcomeOf(pattern, pass({ status, waited: false })).kind).toBe('SUCCESS');
      expect(outcomeOf(pattern, pass({ status: 'succeed' })).kind).toBe('SUCCESS');
    }
  });

  it('is never SUCCESS otherwise', () => {
    for (const pattern of PATTERNS)
      for (const status of STATUSES.filter((one) => one !== 'succeed'))
        for (const kind of RESULTS)
          expect(outcomeOf(pattern, pass({ status, lastResult: { kind, reason: 'r' } })).kind).not.toBe('SUCCESS');
  });

  it('is FAILURE for a tcc or xa only when it really fails', () => {
    for (const pattern of ['tcc', 'xa'] as const) {
      for (const kind of RESULTS)
        expect(outcomeOf(pattern, pass({ lastResult: { kind, reason: 'r' } })).kind).not.toBe('FAILURE');
      expect(outcomeOf(pattern, pass({})).kind).toBe('ONGOING');
      for (const status of ['aborting', 'failed'] as const)
        expect(outcomeOf(pattern, pass({ status })).kind).toBe('FAILURE');
    }
  });

  it.each(['saga', 'msg'] as const)(
    'of a %s contains the rollback reason, or that the transaction is not finished, and its status',
    (pattern) => {
      expect(outcomeOf(pattern, pass({ status: 'failed', rollbackReason: 'sold out' }))).toEqual({
        kind: 'FAILURE',
        message: 'sold out',
        status: 'failed',
      });
      expect(outcomeOf(pattern, pass({ lastResult: { kind: 'ONGOING', reason: 'r' } }))).toEqual({
        kind: 'FAILURE',
        message: 'wait result not return success',
        status: 'submitted',
      });
    },
  );

  it('states why a transaction is parked, which no pass will change', () => {
    const parked = pass({ lastResult: { kind: 'UNKNOWN', reason: 'parked: damaged' }, parked: 'damaged' });
    for (const pattern of ['msg', 'tcc', 'xa'] as const)
      expect(outcomeOf(pattern, parked)).toEqual({ kind: 'UNKNOWN', message: 'parked: damaged', status: 'submitted' });
    expect(outcomeOf('saga', { ...parked, status: 'aborting', rollbackReason: 'sold out' })).toEqual({
      kind: 'FAILURE',
      message: 'parked: damaged',
      status: 'aborting',
    });
  });

  it('is an unknown error of the pass, except for a saga', () => {
    const unknown = pass({ lastResult: { kind: 'UNKNOWN', reason: 'HTTP 500' } });
    for (const pattern of ['msg', 'tcc', 'xa'] as const)
      expect(outcomeOf(pattern, unknown)).toEqual({ kind: 'UNKNOWN', message: 'HTTP 500', status: 'submitted' });
    expect(outcomeOf('saga', unknown).kind).toBe('FAILURE');
  });
});
