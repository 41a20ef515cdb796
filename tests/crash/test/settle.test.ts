import { describe, expect, it } from 'vitest';
import { settle } from '../src/settle.ts';

/** Waits for transactions that become final at the given times, by a simulated clock. */
async function waitFor(finalAtMs: Readonly<Record<string, number>>, patienceMs: number) {
  let nowMs = 0;
  const status = (gid: string) => Promise.resolve((finalAtMs[gid] ?? 0) <= nowMs ? 'succeed' : 'submitted');
  const pause = (ms: number) => Promise.resolve((nowMs += ms));
  const unfinished = await settle({ status }, Object.keys(finalAtMs), patienceMs, { nowMs: () => nowMs, pause });
  return { unfinished: [...unfinished], nowMs };
}

describe('the wait for the end of all transactions', () => {
  it('continues while further transactions become final, however slow the machine is', async () => {
    expect(await waitFor({ a: 900, b: 1_800, c: 2_700 }, 1_000)).toEqual({ unfinished: [], nowMs: 2_700 });
  });

  it('ends when none becomes final within the patience, and returns the unfinished ones', async () => {
    expect(await waitFor({ a: 500, b: Infinity, c: Infinity }, 1_000)).toEqual({
      unfinished: ['b', 'c'],
      nowMs: 1_600,
    });
  });
});
