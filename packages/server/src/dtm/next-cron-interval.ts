import type { TransactionView } from '@holdfast/core';
import { plainIntervalMs } from '@holdfast/core/patterns';
import type { RetryPolicy } from '@holdfast/api';

/**
 * dtm's `next_cron_interval` in ms: the interval until the next attempt as it would be scheduled
 * now. The plain interval; after UNKNOWN results in a row it is doubled by each further one.
 */
export function nextCronIntervalMs({ definition, state }: TransactionView, policy: RetryPolicy): number {
  const plain = plainIntervalMs(definition.options, policy);
  let { checkFailures: failures } = state;
  for (const branch of state.branches)
    if (branch.status === 'prepared' && branch.failures > failures) failures = branch.failures;
  if (failures < 2) return plain;
  return Math.min(Math.max(plain, policy.maxRetryIntervalMs), plain * 2 ** Math.min(failures - 1, 30));
}
