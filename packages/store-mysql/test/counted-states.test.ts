import { expect, it } from 'vitest';
import { CountedStates } from '../src/counted-states.ts';

it('returns the values that were noted last, until the record is finished', () => {
  const countedStates = new CountedStates();
  expect(countedStates.of('a')).toEqual({ status: 'submitted', attention: false });
  countedStates.note('a', { status: 'aborting', attention: true });
  expect(countedStates.of('a')).toEqual({ status: 'aborting', attention: true });
  countedStates.note('a', { status: 'failed', attention: true });
  expect(countedStates.of('a')).toEqual({ status: 'submitted', attention: false });
});

it('what is remembered is bounded: the oldest is forgotten', () => {
  const countedStates = new CountedStates();
  for (let i = 0; i <= 50_000; i++) countedStates.note(`gid-${i}`, { status: 'prepared', attention: false });
  expect(['gid-0', 'gid-1', 'gid-50000'].map((id) => countedStates.of(id).status)).toEqual([
    ...['submitted', 'prepared', 'prepared'],
  ]);
});
