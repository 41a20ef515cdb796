import type { TransactionOptions } from '@holdfast/core/patterns';
import type { Plan } from '../parts/plan.ts';

/** The options that every pattern has. */
export const optionsOf = (plan: Plan): Partial<TransactionOptions> => ({
  waitResult: plan.waitResult,
  timeoutToFailMs: plan.timeoutToFailMs,
  retryIntervalMs: plan.retryIntervalMs,
  requestTimeoutMs: plan.requestTimeoutMs,
});
