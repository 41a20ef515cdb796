/** The database is not set up for prepared transactions. Nothing was prepared; see the message for the setting. */
export class XaUnusable extends Error {
  override readonly name = 'XaUnusable';
  readonly code = 'xa_unusable';
}

/**
 * What became of the branch cannot be told now: somebody else works on it, or what should be prepared is not to be seen. The coordinator asks again; what
 * stays so for long needs a person, and `holdfast xa recover` shows what the database holds.
 */
export class XaUndecided extends Error {
  override readonly name = 'XaUndecided';
  readonly code = 'xa_undecided';
}
