import type { TransactionView } from '@holdfast/core';
import { expect, it } from 'vitest';
import { nextCronIntervalMs } from '../src/dtm/next-cron-interval.ts';

const POLICY = { retryIntervalMs: 10_000, maxRetryIntervalMs: 60_000 };

function intervalOf(failures: readonly number[], checkFailures = 0, retryIntervalMs = 0): number {
  const branches = failures.map((each) => ({ status: 'prepared', failures: each }));
  const view = {
    definition: { options: { retryIntervalMs, timeoutToFailMs: 0 } },
    state: { branches, checkFailures },
  } as unknown as TransactionView;
  return nextCronIntervalMs(view, POLICY);
}

it.each([
  [[], 0, 10_000],
  [[0, 1], 0, 10_000],
  [[0, 2], 0, 20_000],
  [[3, 1], 0, 40_000],
  [[4], 0, 60_000],
  [[], 3, 40_000],
])('next_cron_interval doubles with each unknown result after the first: %j, %i', (failures, checks, ms) => {
  expect(intervalOf(failures, checks)).toBe(ms);
});

it('next_cron_interval is never shorter than the interval of the transaction', () => {
  expect(intervalOf([5], 0, 90_000)).toBe(90_000);
});
