import { twoPhase } from './two-phase.ts';

/**
 * XA: each branch prepares an XA transaction in its own database and registers itself; the
 * coordinator commits or rolls back all of them.
 *
 *   prepared ──submit──▶ submitted ──all committed──▶ succeed
 *     │
 *     └──abort · timeout──▶ aborting ──all rolled back──▶ failed
 *
 * XA1  Commits are called only while submitted, rollbacks only while aborting.
 * XA2  One branch at a time, oldest first.
 * XA3  succeed ⇒ every registered branch was committed; failed (unless force-stopped) ⇒ every one
 *      was rolled back.
 * XA4  No result of a commit or rollback, FAILURE included, reverses the decision.
 * XA5  A prepared transaction that is not submitted before its timeout is aborted.
 */
export const xa = twoPhase({ onSubmit: 'commit', onAbort: 'rollback', newestFirst: false });
