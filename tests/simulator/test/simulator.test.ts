import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { INVARIANTS } from '../src/check/invariants.ts';
import { reportOf } from '../src/report.ts';
import { simulate } from '../src/simulation.ts';
import { runSimulator } from './support/patched-simulator.ts';

const SEEDS = 500;

/** A seed whose nodes call participants by the HTTP client. */
const SEED_OVER_HTTP = 10;

/**
 * The minimum counts of events and faults over all seeds: a simulation without faults proves
 * nothing.
 */
const MUST_MEET: Readonly<Record<string, number>> = {
  'sessions ended by silence': 100,
  'taken over': 100,
  'store late': 100,
  'store done, response lost': 100,
  'store lost': 100,
  'store odd': 200,
  'store rejected': 50,
  'store rejected in doubt': 20,
  'store poisonous': 20,
  'stale reads': 500,
  'thrown at the engine': 200,
  'machines suspended': 100,
  'processes stopped': 100,
  'store clock set back': 100,
  'store clock set forward': 100,
  'wall clocks of nodes set': 50,
  'contradictions rejected': 1_000,
  'registrations of another pattern': 200,
  'registrations of other calls': 50,
  'registrations after the decision': 50,
  'repeats acknowledged': 300,
  'repeats rejected': 50,
  'update conflicts': 100,
  'append conflicts': 100,
  'late registrations done': 100,
  'late registrations refused': 100,
  'participant late': 100,
  'participant loses': 100,
  'participant grumbles': 100,
  'requests repeated by the network': 100,
  'nodes killed by a call': 20,
  parked: 5,
  drains: 50,
  'aborted by an operator': 50,
  'stopped by an operator': 20,
  'check-backs with result SUCCESS': 50,
  'check-backs with result FAILURE': 50,
  'workflow callbacks': 500,
  'heartbeats that postponed a callback': 500,
  'calls over HTTP': 2_000,
  'calls sent again after a lost connection': 20,
  'connections cut': 20,
  'connections reset': 50,
  'services moved': 20,
  purged: 20,
  'saga succeed': 500,
  'saga failed': 500,
  'tcc succeed': 200,
  'tcc failed': 200,
  'xa succeed': 100,
  'xa failed': 100,
  'msg succeed': 500,
  'msg failed': 200,
  'workflow succeed': 200,
  'workflow failed': 200,
};

describe('the simulation', () => {
  it(
    `keeps every invariant over ${SEEDS} seeds, and meets what it is meant to meet`,
    { timeout: 300_000 },
    async () => {
      const { seeds, violations, counters } = await runSimulator(['--seeds', String(SEEDS)]);
      expect(violations).toEqual([]);
      expect(seeds).toBe(SEEDS);
      const rare = Object.entries(MUST_MEET).filter(([what, atLeast]) => (counters[what] ?? 0) < atLeast);
      expect(rare).toEqual([]);
    },
  );

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
    const told = [...readFileSync(path, 'utf8').matchAll(/^\| \*\*([A-Z]+\d)\*\* ([^|]+?) *\|/gm)].map(
      ([, id, words]) => [id, words],
    );
    expect(Object.fromEntries(told)).toEqual(INVARIANTS);
  });
});
