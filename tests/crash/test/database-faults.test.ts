import { describe, expect, it } from 'vitest';
import type { CoordinatorClient, SessionRow } from '../src/coordinator-client.ts';
import { FAULTS_OF } from '../src/database-faults/fault-kinds.ts';
import { planFaults } from '../src/database-faults/fault-plan.ts';
import { faultLines, missingFaults } from '../src/database-faults/fault-report.ts';
import { FaultRun } from '../src/database-faults/fault-run.ts';
import type { FaultEffect, FaultyDatabase } from '../src/database-faults/faulty-database.ts';
import { SHARED_STORES } from '../src/private-database.ts';
import { SessionWatch } from '../src/session-watch.ts';

const OPTIONS = { store: 'postgres', seconds: 40, faults: 2 } as const;
const OUTSIDE = { fromMs: 1_000, untilMs: 2_000 };

describe('the plan of database faults', () => {
  it('is the same for the same seed, and another for another', () => {
    expect(planFaults({ ...OPTIONS, seed: 7 })).toEqual(planFaults({ ...OPTIONS, seed: 7 }));
    expect(planFaults({ ...OPTIONS, seed: 7 })).not.toEqual(planFaults({ ...OPTIONS, seed: 8 }));
  });

  it.each(SHARED_STORES)('has the requested number of each fault of %s', (store) => {
    const plan = planFaults({ ...OPTIONS, store, seed: 7 });
    expect(plan.map(({ kind }) => kind).toSorted()).toEqual([...FAULTS_OF[store], ...FAULTS_OF[store]].toSorted());
  });

  it('holds locks for longer than a statement waits', () => {
    const plans = Array.from({ length: 100 }, (_, seed) => planFaults({ ...OPTIONS, seed }));
    const locks = plans.flat().filter(({ kind }) => kind.startsWith('locked'));
    expect(Math.min(...locks.map(({ lastsMs }) => lastsMs))).toBeGreaterThan(3_500);
  });
});

describe('a run with database faults', () => {
  const plan = [{ kind: 'locked-records', atMs: 0, lastsMs: 1, clockStepS: 1 }] as const;
  const carriedOut = async (carryOut: () => Promise<FaultEffect>): Promise<FaultRun> => {
    const database: FaultyDatabase = { carryOut, nowMs: () => Promise.resolve(0), shutDownSignal: 'SIGTERM' };
    const run = new FaultRun({
      database,
      clock: { environment: {}, set: () => undefined, remove: () => undefined },
      restart: () => Promise.resolve(OUTSIDE),
      changes: { changeKeyValue: () => Promise.resolve(true), changeEverywhere: () => Promise.resolve() },
      print: () => undefined,
    });
    await run.carryOut(plan);
    return run;
  };

  it('repeats a fault until it has an effect, even after the connection was lost', async () => {
    let calls = 0;
    const run = await carriedOut(() => {
      calls++;
      if (calls === 1) return Promise.reject(new Error('the connection was lost'));
      return Promise.resolve({ ...OUTSIDE, hits: calls === 2 ? 0 : 3, what: 'statements' });
    });
    expect(run.done.map(({ hits }) => hits)).toEqual([0, 0, 3]);
    expect(faultLines(run.done)).toEqual(['faults          locked-records      1: 3 statements']);
  });

  it('fails if a fault never had an effect', () => {
    const kinds = FAULTS_OF.redis;
    const done = kinds.map((kind) => ({
      ...OUTSIDE,
      backMs: 2_000,
      kind,
      hits: kind === 'shut-down' ? 0 : 1,
      what: '',
    }));
    expect(missingFaults({ store: 'redis', faults: 1 }, done)).toEqual(['shut-down']);
    expect(missingFaults({ store: 'redis', faults: 2 }, done)).toEqual(kinds);
    expect(missingFaults({ store: 'redis', faults: 0 }, [])).toEqual([]);
  });
});

describe('a session that was seen while the clock of the store was wrong', () => {
  const HOUR_MS = 3_600_000;

  it.each([-HOUR_MS, HOUR_MS])(
    'by %d ms has a start no earlier than the last time it certainly did not exist',
    async (aheadMs) => {
      const rows: SessionRow[] = [];
      const sessions = () => Promise.resolve([...rows]);
      const watch = new SessionWatch([{ probe: { sessions } as unknown as CoordinatorClient, isPaused: false }]);
      await expect.poll(() => watch.polls).toBeGreaterThan(0);
      const beforeMs = Date.now();
      rows.push({ session: 's', node: 'n', startedAtMs: beforeMs + aheadMs });
      await expect.poll(() => watch.seen.length).toBe(1);
      await watch.stop();
      const [seen] = watch.seen;
      expect(seen?.seenAtMs).toBeGreaterThanOrEqual(beforeMs);
      expect(Math.abs(beforeMs - (seen?.startedAtMs ?? 0))).toBeLessThan(HOUR_MS / 2);
      expect(seen?.startedAtMs).toBeLessThanOrEqual(seen?.seenAtMs ?? 0);
    },
  );
});
