import { ReplayTable } from '@holdfast/protocol/signing';
import { describe, expect, it } from 'vitest';

/** A table with a clock that the test sets. */
function tableOf(max: number) {
  const clock = { ms: 0 };
  return { clock, table: new ReplayTable(max, () => clock.ms) };
}

describe('the table of received calls', () => {
  it('accepts a call once (RT1)', () => {
    const { table } = tableOf(10);
    expect(table.add('a', 1_000, 0)).toBe(true);
    expect(table.add('a', 1_000, 0)).toBe(false);
    expect(table.add('b', 1_000, 0)).toBe(true);
  });

  it('forgets calls whose time has expired, so that it does not grow', () => {
    const { table, clock } = tableOf(1_000);
    for (let call = 0; call < 5_000; call++) {
      clock.ms = call * 100;
      table.add(`call-${call}`, 1_000, clock.ms);
    }
    expect(table.size).toBeLessThanOrEqual(11);
  });

  it('is bounded: the oldest call is forgotten, and no call as old is accepted afterwards (RT2)', () => {
    const { table } = tableOf(3);
    for (const second of [1, 2, 3, 4]) expect(table.add(`call-${second}`, 600_000, second * 1_000)).toBe(true);
    expect(table.size).toBe(3);
    expect(table.add('call-1', 600_000, 1_000)).toBe(false);
    expect(table.add('another of that time', 600_000, 1_000)).toBe(false);
    expect(table.add('a later one', 600_000, 2_500)).toBe(true);
  });
});
