import { twoPhase } from './two-phase.ts';

/**
 * XA: each branch prepares an XA transaction of its own database and registers itself; the coordinator commits or rolls back all of them.
 *
 *     prepared ──submit──▶ submitted ──all committed──▶ succeed
 *         │
 *         └──abort · time-out──▶ aborting ──all rolled back──▶ failed
 *
 * XA1  Commits are called only while submitted, rollbacks only while aborting.
 * XA2  One branch at a time, oldest first.
 * XA3  succeed ⇒ every registered branch was committed; failed (other than stopped by a person) ⇒ every one was rolled back.
 * XA4  Neither FAILURE nor anything else that a commit or rollback answers turns the decision.
 * XA5  A prepared one that is not submitted in time is aborted.
 */
export const xa = twoPhase({ onSubmit: 'commit', onAbort: 'rollback', newestFirst: false });
