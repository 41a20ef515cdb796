import { expect, it } from 'vitest';
import { runSimulator } from './patched-simulator.ts';

/** The number of seeds that `MUST_MEET` counts over. */
export const ALL_SEEDS = 500;

/**
 * The minimum counts of events and faults over `ALL_SEEDS`: a simulation without faults proves
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

/** Simulates seeds 1 to `seeds`; the minimum counts are in proportion to their number. */
export function wholeSimulation(seeds: number): void {
  it(
    `keeps every invariant over ${seeds} seeds, and meets what it is meant to meet`,
    { timeout: 300_000 },
    async () => {
      const run = await runSimulator(['--seeds', String(seeds)]);
      expect(run.violations).toEqual([]);
      expect(run.seeds).toBe(seeds);
      const rare = Object.entries(MUST_MEET).filter(
        ([what, atLeast]) => (run.counters[what] ?? 0) < Math.ceil((atLeast * seeds) / ALL_SEEDS),
      );
      expect(rare).toEqual([]);
    },
  );
}
