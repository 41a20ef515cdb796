import type { BranchDetails, Pattern, TimelineLine, TransactionDetails } from '@holdfast/client';
import type { SeenCall } from '../stage/network.ts';

/**
 * Calls that the application makes itself: the coordinator does not see them. In a saga and a
 * message there are none.
 */
const OWN_CALLS: Readonly<Record<Pattern, (op: string) => boolean>> = {
  saga: () => false,
  msg: () => false,
  tcc: (op) => op === 'try',
  xa: (op) => op === 'action',
  workflow: () => true,
};

/** What the coordinator noted, and between it what the application called. */
export function wholeHistory(details: TransactionDetails, seen: readonly SeenCall[]): TransactionDetails {
  const own = seen.filter(({ op, branchId }) => branchId !== '' && OWN_CALLS[details.pattern](op));
  const timeline = [...details.timeline, ...own.map(lineOf)].toSorted((one, other) => one.atMs - other.atMs);
  return { ...details, timeline, branches: [...details.branches, ...own.map(branchOf)] };
}

function lineOf({ atMs, durationMs, branchId, op, httpStatus, text }: SeenCall): TimelineLine {
  const result = httpStatus === 200 ? 'SUCCESS' : httpStatus === 409 ? 'FAILURE' : 'UNKNOWN';
  return { kind: 'call', atMs, durationMs, branchId, op, result, reason: text, attempt: 1, retryAtMs: 0 };
}

const branchOf = ({ atMs, branchId, op, path }: SeenCall): BranchDetails => ({
  branchId,
  op,
  url: path,
  status: 'succeed',
  started: true,
  attempts: 1,
  nextAttemptAtMs: 0,
  finishedAtMs: atMs,
});
