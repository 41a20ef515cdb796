import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Destinations } from '../../src/engine/destinations.ts';

/** Destinations, and the names of the calls that were started. */
function setUp(maxRunning: number, maxWaiting: number) {
  const destinations = new Destinations(maxRunning, maxWaiting);
  const started: string[] = [];
  const enter = (name: string, call: string): boolean => destinations.enter(name, () => void started.push(call));
  return { destinations, started, enter };
}

describe('destinations', () => {
  it('start at once while there is room, and in the order of their coming when a place becomes free', () => {
    const { destinations, started, enter } = setUp(2, 10);
    for (const call of ['1', '2', '3', '4']) expect(enter('a', call)).toBe(true);
    expect(started).toEqual(['1', '2']);
    destinations.leave('a');
    destinations.leave('a');
    expect(started).toEqual(['1', '2', '3', '4']);
  });

  it('do not let one that is slow take the places of another', () => {
    const { started, enter } = setUp(1, 10);
    enter('slow', 's1');
    enter('slow', 's2');
    enter('quick', 'q1');
    expect(started).toEqual(['s1', 'q1']);
  });

  it('refuse what exceeds the queue, and never start it', () => {
    const { destinations, started, enter } = setUp(1, 1);
    enter('a', '1');
    enter('a', '2');
    expect(enter('a', '3')).toBe(false);
    destinations.leave('a');
    destinations.leave('a');
    expect([started, destinations.running]).toEqual([['1', '2'], 0]);
  });

  it('hand a place on when a call that got it gives it up at once', () => {
    const { destinations, started, enter } = setUp(1, 2_000);
    enter('a', 'first');
    for (let i = 0; i < 1_999; i++) destinations.enter('a', () => destinations.leave('a'));
    enter('a', 'last');
    destinations.leave('a');
    expect([started, destinations.running]).toEqual([['first', 'last'], 1]);
  });

  it('ignore a place given up by somebody who had none', () => {
    const { destinations } = setUp(1, 1);
    destinations.leave('nobody');
    expect(destinations.running).toBe(0);
  });

  it('keep their bounds and lose no call, whatever comes and goes', () => {
    const action = fc.record({ name: fc.constantFrom('a', 'b'), enters: fc.boolean() });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 3 }),
        fc.nat(4),
        fc.array(action, { maxLength: 400 }),
        (max, queue, actions) => {
          const { destinations, started, enter } = setUp(max, queue);
          const accepted = { a: [] as string[], b: [] as string[] };
          const left = { a: 0, b: 0 };
          const runningOf = (name: 'a' | 'b'): number =>
            started.filter((call) => call.startsWith(name)).length - left[name];
          for (const [i, { name, enters }] of (actions as { name: 'a' | 'b'; enters: boolean }[]).entries()) {
            if (enters && enter(name, `${name}${i}`)) accepted[name].push(`${name}${i}`);
            else if (!enters && runningOf(name) > 0) {
              left[name]++;
              destinations.leave(name);
            }
            expect(runningOf(name)).toBeLessThanOrEqual(max);
            expect(accepted[name].length - left[name] - runningOf(name)).toBeLessThanOrEqual(queue);
          }
          expect(destinations.running).toBe(runningOf('a') + runningOf('b'));
          for (const name of ['a', 'b'] as const) {
            for (let more = runningOf(name); more > 0; more = runningOf(name)) {
              left[name]++;
              destinations.leave(name);
            }
            expect(started.filter((call) => call.startsWith(name))).toEqual(accepted[name]);
          }
          expect(destinations.running).toBe(0);
        },
      ),
      { seed: 20_240_917 },
    );
  });
});
