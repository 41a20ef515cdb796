import { ReplayTable } from '@holdfast/protocol/signing';
import fc from 'fast-check';
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

  it('is bounded: the oldest call is forgotten, and no call before it is accepted afterwards (RT2)', () => {
    const { table } = tableOf(3);
    for (const number of [2, 4, 5, 6]) expect(table.add(`a-${number}`, 600_000, 1_000)).toBe(true);
    expect(table.size).toBe(3);
    expect(table.add('a-2', 600_000, 1_000)).toBe(false);
    expect(table.add('a-1', 600_000, 1_000)).toBe(false);
    expect(table.add('a-3', 600_000, 1_000)).toBe(true);
  });

  it('accepts the calls of a coordinator though another one, whose clock is ahead, fills it (RT3)', () => {
    const { table, clock } = tableOf(100);
    const responses: boolean[] = [];
    for (let call = 1; call <= 1_000; call++) {
      clock.ms = call;
      table.add(`ahead-${call.toString(36)}`, 600_000, 60_000);
      responses.push(table.add(`exact-${call.toString(36)}`, 600_000, 1_000));
    }
    expect(responses).not.toContain(false);
    expect(table.size).toBe(100);
    for (const process of ['ahead', 'exact'])
      for (let call = 1; call <= 1_000; call++)
        expect(table.add(`${process}-${call.toString(36)}`, 600_000, 60_000)).toBe(false);
  });

  it("accepts a coordinator's calls after its clock was set back (RT3)", () => {
    const { table } = tableOf(2);
    for (const number of [1, 2, 3]) table.add(`a-${number}`, 600_000, 60_000);
    expect(table.add('a-4', 600_000, 1_000)).toBe(true);
  });

  it('is bounded in processes as well: beyond them, it is a time that is forgotten', () => {
    const { table } = tableOf(1);
    for (let process = 0; process < 1_002; process++) table.add(`p${process}-1`, 600_000, process);
    expect([table.add('p0-1', 600_000, 0), table.add('p1001-1', 600_000, 1_001)]).toEqual([false, false]);
    expect(table.add('new-1', 600_000, 0)).toBe(false);
    expect(table.add('new-1', 600_000, 2)).toBe(true);
  });

  it('keeps nothing of processes whose calls are too old to be accepted', () => {
    const { table, clock } = tableOf(1);
    for (let process = 0; process < 5_000; process++) {
      clock.ms = process * 1_000;
      table.add(`p${process}-1`, 1_500, process);
    }
    expect(table.add('late-1', 1_500, 0)).toBe(true);
  });

  it('never accepts a call twice within its time, whatever the order and the clocks are (RT1, RT2)', () => {
    const call = fc.record({
      process: fc.nat(3),
      number: fc.nat(40),
      signedAtMs: fc.nat(100),
      afterMs: fc.nat(3),
    });
    fc.assert(
      fc.property(fc.array(call, { maxLength: 200 }), fc.integer({ min: 1, max: 20 }), (calls, max) => {
        const { table, clock } = tableOf(max);
        const accepted = new Set<string>();
        for (const { process, number, signedAtMs, afterMs } of calls) {
          clock.ms += afterMs;
          const nonce = `p${process}-${number.toString(36)}`;
          const isNew = table.add(nonce, 1_000_000, signedAtMs);
          expect(isNew && accepted.has(nonce)).toBe(false);
          if (isNew) accepted.add(nonce);
          expect(table.size).toBeLessThanOrEqual(max);
        }
      }),
    );
  });
});
