import { expect, it } from 'vitest';
import { Standings } from '../src/standings.ts';

it('returns the values that were noted last, until the record is finished', () => {
  const standings = new Standings();
  expect(standings.of('a')).toEqual({ status: 'submitted', attention: false });
  standings.note('a', { status: 'aborting', attention: true });
  expect(standings.of('a')).toEqual({ status: 'aborting', attention: true });
  standings.note('a', { status: 'failed', attention: true });
  expect(standings.of('a')).toEqual({ status: 'submitted', attention: false });
});

it('what is remembered is bounded: the oldest is forgotten', () => {
  const standings = new Standings();
  for (let i = 0; i <= 50_000; i++) standings.note(`gid-${i}`, { status: 'prepared', attention: false });
  expect(['gid-0', 'gid-1', 'gid-50000'].map((id) => standings.of(id).status)).toEqual([
    ...['submitted', 'prepared', 'prepared'],
  ]);
});
