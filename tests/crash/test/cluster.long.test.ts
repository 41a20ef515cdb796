import { expect, it } from 'vitest';
import { describeWith } from '@holdfast/testing/describe-with';
import { BROKEN_BUILDS } from '../src/broken-builds.ts';
import { figuresOf } from '../src/figures.ts';
import type { RunOptions } from '../src/options.ts';
import type { SharedStore } from '../src/private-database.ts';
import { describeResult } from '../src/report.ts';
import { isClean, runCrashTest } from '../src/run.ts';
import { CLI, convict, HEALTHY } from './convict.ts';

/** Short: `npm run crash-test -- --store …` does more of everything. */
const SHORT: RunOptions = {
  ...HEALTHY,
  // A pause, a kill, then the database, and a kill while that is away.
  seed: 34,
  seconds: 10,
  kills: 2,
  nodes: 3,
  pauses: 1,
  databaseKills: 1,
  rate: 50,
  clients: 50,
};

const SERVERS: Readonly<Record<SharedStore, string>> = {
  postgres: 'postgres',
  mysql: 'mariadbd',
  redis: 'redis-server',
};

/** Stores whose coordinators are secured in the first and in the second of the tests below. */
const SECURED: Readonly<Record<'killed' | 'disturbed', readonly SharedStore[]>> = {
  killed: ['postgres'],
  disturbed: ['mysql'],
};
const howOf = (secured: boolean): string => (secured ? 'secured' : 'open');

for (const [store, server] of Object.entries(SERVERS) as [SharedStore, string][]) {
  const secured = SECURED.killed.includes(store);
  describeWith(
    [server, 'nginx', 'openssl'],
    `three ${howOf(secured)} coordinators over ${store} that are killed and paused, and their database killed`,
    () => {
      it('keep every promise, and take each other’s work over in time', async () => {
        const options = { ...SHORT, store, secured };
        const result = await runCrashTest(options, CLI, () => undefined);
        const report = describeResult(options, result);
        expect(isClean(result), report).toBe(true);

        // A run in which nothing happens would be clean, too.
        const { outages, sessions } = result.disturbed;
        expect(outages.map(({ kind }) => kind).toSorted()).toEqual(['database', 'kill', 'kill', 'pause']);
        expect(new Set(sessions.map(({ node }) => node))).toEqual(new Set(['n1', 'n2', 'n3']));
        for (const protocol of ['http', 'grpc'] as const) {
          const callers = result.evidence.journal.flatMap(({ line }) =>
            line.kind === 'call' && line.protocol === protocol ? [line.from] : [],
          );
          expect(callers, report).toEqual(expect.arrayContaining(['127.0.0.11', '127.0.0.12', '127.0.0.13']));
        }
        expect(figuresOf(result.evidence, result.judged).grpc.submitted, report).toBeGreaterThan(10);
        expect(result.cluster?.endedSessions.length, report).toBeGreaterThanOrEqual(2);
        for (const { pattern, outcomes } of figuresOf(result.evidence, result.judged).byPattern)
          expect(outcomes.committed, `${pattern}\n${report}`).toBeGreaterThan(5);
      });
    },
  );
}

/** Every fault of the running database once; longer limits, because it is slow on a faked clock. */
const FAULTY: RunOptions = {
  ...SHORT,
  seconds: 30,
  kills: 1,
  databaseKills: 0,
  faults: 1,
  heartbeatMs: 1_000,
  silenceMs: 6_000,
  rate: 20,
  clients: 30,
};

for (const [store, server] of Object.entries(SERVERS) as [SharedStore, string][]) {
  const secured = SECURED.disturbed.includes(store);
  describeWith(
    [server, 'nginx', 'openssl', store === 'postgres' ? 'cc' : 'faketime'],
    `three ${howOf(secured)} coordinators over ${store} that is disturbed while it runs`,
    () => {
      it('keep every promise, whatever is locked, cut, altered, restarted or set', async () => {
        const options = { ...FAULTY, store, secured };
        const result = await runCrashTest(options, CLI, () => undefined);
        const report = describeResult(options, result);
        expect(result.missing, report).toEqual([]);
        expect(isClean(result), report).toBe(true);
        for (const { pattern, outcomes } of figuresOf(result.evidence, result.judged).byPattern)
          expect(outcomes.committed, `${pattern}\n${report}`).toBeGreaterThan(0);
      });
    },
  );
}

describeWith(['postgres', 'nginx'], 'the crash test convicts coordinators over a shared store with the fault', () => {
  it.each(BROKEN_BUILDS.filter(({ shared }) => shared))('$name: $wrong', async (build) => {
    const shared = { store: 'postgres', nodes: 3, pauses: 2, kills: 1, rate: 50, clients: 50, seconds: 7 } as const;
    const { guiltyOf, report } = await convict(build, shared);
    expect(guiltyOf, report).not.toEqual([]);
  });
});
