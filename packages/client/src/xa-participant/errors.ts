import { BranchFailure } from '@holdfast/protocol';

/**
 * The database is not set up for prepared transactions. Nothing was prepared; see the message for
 * the setting.
 */
export class XaUnusable extends Error {
  override readonly name = 'XaUnusable';
  readonly code = 'xa_unusable';
}

/**
 * The outcome of the branch is currently unknown: another process works on it, or the prepared
 * transaction is not visible. The coordinator calls again. If this persists, it needs operator
 * attention, and `holdfast xa recover` shows what the database holds.
 */
export class XaUndecided extends Error {
  override readonly name = 'XaUndecided';
  readonly code = 'xa_undecided';
}

/**
 * The action waited longer for a lock than its lock timeout, for example for a row of a prepared
 * transaction. Nothing is prepared, so the branch has failed. The handler may repeat the action, or
 * let the error through: the transaction is rolled back then, unless the code of a workflow catches
 * the failure.
 */
export class XaLockTimeout extends BranchFailure {
  readonly code = 'xa_lock_timeout';
}
