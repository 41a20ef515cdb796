import type { BranchState } from '@holdfast/core/patterns';
import { type DtmBranch, NotImportable } from './dtm-records.ts';

const NOT_STARTED: BranchState = {
  status: 'prepared',
  started: false,
  attempts: 0,
  failures: 0,
  nextAttemptAtMs: 0,
  finishedAtMs: 0,
};

/** The state of an op by its row: a result is kept, and the op is never called again. */
export function opStateOf({ branchId, op, status, finishedAtMs, createdAtMs }: DtmBranch): BranchState {
  if (status === 'prepared') return NOT_STARTED;
  if (status !== 'succeed' && status !== 'failed')
    throw new NotImportable(`${op} of branch ${branchId} has the unknown status ${JSON.stringify(status)}`);
  return {
    ...NOT_STARTED,
    status,
    started: true,
    attempts: 1,
    finishedAtMs: finishedAtMs ?? createdAtMs ?? 1,
  };
}

/** When dtm would have called the next op, and the failed attempts that led to its interval. */
export interface Schedule {
  /** 0: at once. */
  readonly nextAttemptAtMs: number;
  readonly failures: number;
}

/** An op that may have been called without a recorded result, and is to be called (again). */
export const pendingState = (state: BranchState, { nextAttemptAtMs, failures }: Schedule): BranchState => ({
  ...state,
  started: true,
  failures,
  nextAttemptAtMs,
});
