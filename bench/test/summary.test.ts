import { describe, expect, test } from 'vitest';
import { buildRatios } from '../src/compare/builds.ts';
import { summarize } from '../src/compare/summary.ts';
import { growthOf } from '../src/scale/growth.ts';
import { roundOf, scaleRoundOf } from './round-fixture.ts';

describe('a line of the comparison', () => {
  const ceiling = [10_000, 1_000, 10_000].map((sagasPerSecond) => roundOf({ sagasPerSecond }));
  const rounds = [
    roundOf({ sagasPerSecond: 7_000, p50Ms: 8, cpuMicrosPerSaga: 150, rssAnonMb: 90, statusErrors: 1 }),
    roundOf({ sagasPerSecond: 700, p50Ms: 80, cpuMicrosPerSaga: 200, rssAnonMb: 120, bodyErrors: 2 }),
    roundOf({ sagasPerSecond: 7_200, p50Ms: 9, cpuMicrosPerSaga: 140, rssAnonMb: 95, socketErrors: 4 }),
  ];

  test('gives medians, the most memory, and every error', () => {
    expect(summarize(64, 'lmdb', rounds, ceiling)).toMatchObject({
      connections: 64,
      name: 'lmdb',
      sagasPerSecond: 7_000,
      p50Ms: 9,
      cpuMicrosPerSaga: 150,
      rssAnonMb: 120,
      errors: 7,
    });
  });

  test("gives its share of the ceiling by the rounds' own ratios", () => {
    expect(summarize(64, 'lmdb', rounds, ceiling).ofCeiling).toBe(0.7);
  });

  test('leaves unknown what is not known of a target', () => {
    const unknown = roundOf({ cpuMicrosPerSaga: undefined, rssAnonMb: undefined, othersShare: undefined });
    const line = summarize(1, 'elsewhere', [unknown], ceiling.slice(0, 1));
    expect([line.cpuMicrosPerSaga, line.rssAnonMb, line.othersShare]).toEqual([undefined, undefined, undefined]);
  });
});

describe('two builds', () => {
  test('are compared round by round, each store and number of connections for itself', () => {
    const ceiling = [10_000, 10_000, 10_000].map((sagasPerSecond) => roundOf({ sagasPerSecond }));
    const rounds = (cpu: number, ...perSecond: number[]): ReturnType<typeof roundOf>[] =>
      perSecond.map((sagasPerSecond) => roundOf({ sagasPerSecond, cpuMicrosPerSaga: cpu }));
    const lines = [
      summarize(64, 'lmdb', rounds(110, 900, 90, 1_000), ceiling),
      summarize(64, 'lmdb (other)', rounds(100, 1_000, 100, 800), ceiling),
      summarize(256, 'lmdb', rounds(100, 500, 500, 500), ceiling),
      summarize(256, 'lmdb (other)', rounds(200, 250, 250, 250), ceiling),
    ];
    expect(buildRatios(lines, [{ name: 'lmdb', other: 'lmdb (other)' }])).toMatchObject([
      { connections: 64, name: 'lmdb', sagasPerSecond: 0.9, cpuMicrosPerSaga: 1.1 },
      { connections: 256, name: 'lmdb', sagasPerSecond: 2, cpuMicrosPerSaga: 0.5 },
    ]);
  });
});

describe('growth', () => {
  test('is how much more the full store costs, round by round', () => {
    const empty = [100, 1_000, 100].map((cpuMicrosPerSaga) => scaleRoundOf({ cpuMicrosPerSaga, msPerBatch: 2 }));
    const full = [105, 1_050, 200].map((cpuMicrosPerSaga) => scaleRoundOf({ cpuMicrosPerSaga, msPerBatch: 1.8 }));
    const { cpuPerSaga, storeTimePerBatch } = growthOf(64, empty, full);
    expect(cpuPerSaga).toBeCloseTo(0.05);
    expect(storeTimePerBatch).toBeCloseTo(-0.1);
  });

  test('names the sizes between which the stores grew', () => {
    const sizes = [
      { finished: 9, unfinished: 1 },
      { finished: 3, unfinished: 1 },
      { finished: 6, unfinished: 1 },
    ];
    const { full } = growthOf(
      64,
      [scaleRoundOf()],
      sizes.map((size) => scaleRoundOf({ stored: size })),
    );
    expect(full.stored).toEqual({ least: sizes[1], most: sizes[0] });
  });
});
