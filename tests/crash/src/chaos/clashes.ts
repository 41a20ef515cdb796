import { NO_FAULT } from '../fault.ts';
import { ACCOUNTS } from './databases/ledger.ts';
import type { PlannedStep } from './chaos-plan.ts';

/** How the two steps of a concurrent saga get into each other's way. */
export type Clash = 'deadlock' | 'long wait';

/** Accounts at the end that clashes alone use. */
export const CLASH_ACCOUNTS = 4;

/** Longer than `deadlock_timeout` and than the time between two calls that are made at once. */
const DEADLOCK_HOLD_MS = 200;
/** Longer than the lock wait timeout of the databases. */
export const LONG_HOLD_MS = 1_300;

/**
 * The two steps of a concurrent saga, changed so that one fails because of the other: they change
 * two accounts in opposite orders, or the same two while each holds its locks for too long.
 */
export function clashing(steps: readonly PlannedStep[], clash: Clash): readonly PlannedStep[] {
  // The transactions of each clash use separate accounts, so that they disturb only each other.
  const first = clash === 'deadlock' ? ACCOUNTS - 2 : ACCOUNTS - CLASH_ACCOUNTS;
  return steps.map((step, index) => {
    const inOrder = step.changes.map((change, at) => ({ ...change, account: first + at }));
    return {
      ...step,
      changes: clash === 'deadlock' && index === 1 ? inOrder.toReversed() : inOrder,
      termination: '',
      forward: NO_FAULT,
      holdMs: clash === 'deadlock' ? DEADLOCK_HOLD_MS : LONG_HOLD_MS,
    };
  });
}
