import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { INVARIANTS } from '../src/check/invariants.ts';
import { reportOf } from '../src/report.ts';
import { simulate } from '../src/simulation.ts';
import { wholeSimulation } from './support/whole-simulation.ts';

/** A seed whose nodes call participants by the HTTP client. */
const SEED_OVER_HTTP = 10;

describe('the simulation', () => {
  // All seeds are simulated in `simulator.long.test.ts`.
  wholeSimulation(150);

  it.each([3, 17, 40, SEED_OVER_HTTP])('gives the same trace for seed %i each time', async (seed) => {
    const first = await simulate(seed);
    const second = await simulate(seed);
    expect(first.trace.lines().length).toBeGreaterThan(500);
    expect(second.trace.lines().join('\n')).toBe(first.trace.lines().join('\n'));
    expect(second.counters).toEqual(first.counters);
  });

  it('gives different traces for different seeds', async () => {
    const [first, second] = [await simulate(1), await simulate(2)];
    expect(second.trace.lines()).not.toEqual(first.trace.lines());
  });

  it('reports a violation with its invariant, the command that reproduces it, and the trace of its transaction', async () => {
    const outcome = await simulate(5);
    const [gid = '', other = ''] = new Set(
      outcome.trace.lines().flatMap((line) => / (g\d+) +store: /.exec(line)?.[1] ?? []),
    );
    const violations = [{ invariant: 'EFF2', atMs: 1234, gid, detail: 'the effect is left' }] as const;
    const { text } = reportOf({ ...outcome, violations }, false);
    expect(text).toContain(`EFF2 ${INVARIANTS.EFF2}`);
    expect(text).toContain(`${gid}: the effect is left (at 1234 ms)`);
    expect(text).toContain('npm run simulate -- --seed 5');
    expect(text).toMatch(new RegExp(` ${gid} +store: `));
    expect(text).not.toMatch(new RegExp(` ${other} +store: `));
    expect(text.split('\n').length).toBeLessThan(150);
  });

  it('has every invariant explained in docs/correctness.md, in the same words', () => {
    const path = fileURLToPath(new URL('../../../docs/correctness.md', import.meta.url));
    const documented = [...readFileSync(path, 'utf8').matchAll(/^\| \*\*([A-Z]+\d)\*\* ([^|]+?) *\|/gm)].map(
      ([, id, words]) => [id, words],
    );
    expect(Object.fromEntries(documented)).toEqual(INVARIANTS);
  });
});
