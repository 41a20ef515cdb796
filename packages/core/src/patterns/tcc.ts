import { twoPhase } from './two-phase.ts';

/**
 * TCC: the client tries, registering each branch first; the coordinator confirms or cancels all of
 * them. A branch may be registered in two steps: its cancel before the try, its confirm once the
 * part of the transaction that calls the try has succeeded.
 *
 *   prepared ──submit──▶ submitted ──all confirmed──▶ succeed
 *     │
 *     └──abort · timeout · submit with an incomplete branch──▶ aborting ──all cancelled──▶ failed
 *
 * TC1  Confirms are called only while submitted, cancels only while aborting; so no branch is both
 *      confirmed and cancelled.
 * TC2  One branch at a time, newest first (a nested branch, registered after its parent, is
 *      completed before it).
 * TC3  succeed ⇒ every registered branch was confirmed; failed (unless force-stopped) ⇒ every one
 *      was cancelled.
 * TC4  No result of a confirm or cancel, FAILURE included, reverses the decision.
 * TC5  A prepared transaction that is not submitted before its timeout is aborted.
 * TC6  A submission while a branch has a cancel and no confirm aborts the transaction.
 * TC7  A submission that names other branches than are registered aborts the transaction; see
 *      `otherBranch`.
 * TC8  A submission that names its run aborts the transaction when a nested branch was registered
 *      within another run.
 */
export const tcc = twoPhase({ onSubmit: 'confirm', onAbort: 'cancel', newestFirst: true });
