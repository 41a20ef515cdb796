import { describe, expect, it } from 'vitest';
import { planOutages, type PlannedOutage } from '../src/outage-plan.ts';

const OPTIONS = { seconds: 45, nodes: 3, kills: 8, pauses: 4, databaseKills: 2, silenceMs: 2_000 };
const seeds = Array.from({ length: 200 }, (_, seed) => seed);

type Pause = Extract<PlannedOutage, { kind: 'pause' }>;
const pausesOf = (plan: readonly PlannedOutage[]): readonly Pause[] => plan.filter((one) => one.kind === 'pause');

describe('the plan of outages', () => {
  it('is the same for the same seed, and another for another', () => {
    expect(planOutages({ ...OPTIONS, seed: 7 })).toEqual(planOutages({ ...OPTIONS, seed: 7 }));
    expect(planOutages({ ...OPTIONS, seed: 7 })).not.toEqual(planOutages({ ...OPTIONS, seed: 8 }));
  });

  it('has the requested number of each kind, in the order of time', () => {
    const plan = planOutages({ ...OPTIONS, seed: 7 });
    const count = (kind: PlannedOutage['kind']): number => plan.filter((one) => one.kind === kind).length;
    expect([count('kill'), count('pause'), count('database')]).toEqual([8, 4, 2]);
    expect(plan.map(({ atMs }) => atMs)).toEqual(plan.map(({ atMs }) => atMs).toSorted((a, b) => a - b));
  });

  it('pauses coordinators for longer than the silence limit, and leaves each undisturbed until it has opened a new session', () => {
    for (const seed of seeds) {
      const plan = planOutages({ ...OPTIONS, seed });
      for (const pause of pausesOf(plan)) {
        expect(pause.lastsMs).toBeGreaterThan(OPTIONS.silenceMs * 1.2);
        const again = plan.filter((one) => one !== pause && one.kind !== 'database' && one.node === pause.node);
        const restedMs = pause.atMs + pause.lastsMs + 1_000;
        expect(again.filter(({ atMs }) => atMs >= pause.atMs && atMs < restedMs)).toEqual([]);
      }
    }
  });

  it('keeps the database away, at least once, for longer than any lease lasts', () => {
    for (const seed of seeds) {
      const away = planOutages({ ...OPTIONS, seed }).flatMap((one) => (one.kind === 'database' ? [one.lastsMs] : []));
      expect(Math.max(...away)).toBeGreaterThan(OPTIONS.silenceMs * 1.5);
    }
  });
});
