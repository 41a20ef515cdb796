import type { Round } from '../src/measure/round.ts';
import type { ScaleRound } from '../src/scale/scale-round.ts';

/** A round without errors. */
export const roundOf = (changes: Partial<Round> = {}): Round => ({
  seconds: 5,
  completed: 50_000,
  sagasPerSecond: 10_000,
  p50Ms: 6,
  p99Ms: 12,
  statusErrors: 0,
  bodyErrors: 0,
  socketErrors: 0,
  cpuMicrosPerSaga: 100,
  databaseCpuMicrosPerSaga: undefined,
  rssAnonMb: 60,
  othersShare: 0,
  ...changes,
});

export const scaleRoundOf = (changes: Partial<ScaleRound> = {}): ScaleRound => ({
  ...roundOf(),
  batches: 1_000,
  msPerBatch: 2,
  itemsPerBatch: 50,
  microsPerItem: 40,
  readyMs: 300,
  stored: { finished: 0, unfinished: 0 },
  ...changes,
});
