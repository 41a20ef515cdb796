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
