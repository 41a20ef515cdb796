import { twoPhase } from './two-phase.ts';

/**
 * TCC: the client tries, registering each branch first; the coordinator confirms or cancels all of them.
 *
 *     prepared ──submit──▶ submitted ──all confirmed──▶ succeed
 *         │
 *         └──abort · time-out──▶ aborting ──all cancelled──▶ failed
 *
 * TC1  Confirms are called only while submitted, cancels only while aborting; so no branch is both confirmed and cancelled.
 * TC2  One branch at a time, newest first (a nested branch, registered after its parent, ends before it).
 * TC3  succeed ⇒ every registered branch was confirmed; failed (other than stopped by a person) ⇒ every one was cancelled.
 * TC4  Neither FAILURE nor anything else that a confirm or cancel answers turns the decision.
 * TC5  A prepared one that is not submitted in time is aborted.
 */
export const tcc = twoPhase({ onSubmit: 'confirm', onAbort: 'cancel', newestFirst: true });
