import { expect, it } from 'vitest';
import { NodeClock } from '../src/index.ts';

it('a node keeps the latest time that it has seen, and answers each as it is', () => {
  const clock = new NodeClock(undefined);
  expect([5, 9, 7].map((nowMs) => [clock.seen(nowMs), clock.floorMs])).toEqual([
    [5, 5],
    [9, 9],
    [7, 9],
  ]);
});

it('a wall clock in the place of the database is read anew each time, in whole milliseconds; without one there is none', () => {
  let wallMs = 1.9;
  const clock = new NodeClock(() => wallMs);
  expect(clock.wallMs()).toBe(1);
  wallMs = 0.5;
  expect(clock.wallMs()).toBe(0);
  expect(new NodeClock(undefined).wallMs()).toBeUndefined();
});
