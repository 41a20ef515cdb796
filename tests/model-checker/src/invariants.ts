/**
 * The invariants, which must hold in every state; `docs/correctness.md` explains each and where the
 * code ensures it.
 */
export const INVARIANTS = {
  ACK1: 'what was acknowledged is in the store when the caller receives it',
  ACK2: 'without further faults every transaction finishes or is parked',
  ACK3: 'an accepted transaction or registered branch is never lost',
  ACK4: 'every caller of a live node receives a response',
  DEC1: 'a status changes only along its diagram, and a final one never',
  DEC2: 'a decision has a reason; a submitted message is never rolled back',
  DEC3: 'a branch is undone only once aborting is stored',
  DEC4: 'a branch is driven forward only while submitted is stored',
  DEC5: 'an acknowledged command is kept: a stopped or aborted transaction does not succeed',
  EFF1: 'succeed means that every effect is there, once, and none is undone',
  EFF2: 'failed means that no effect is left: the set compensated contains the set that may have run',
  EFF3: 'no branch is both confirmed and cancelled, and no registration is forgotten',
  EFF4: 'branches run in the order that the client gave, and are undone in reverse',
  EFF5: 'a message is delivered if, and only if, its local transaction was committed',
  CB1: 'no callback of a workflow starts within the interval after a heartbeat of its code',
  CB2: 'a heartbeat decides nothing, and starts nothing that is finished or parked',
  OWN1: 'only the session that owns the record starts a branch call',
  OWN2: 'each change of the record increments its version by one',
  OWN3: 'a claim takes only records without an owner',
  OWN4: 'at rest no record has an owner, and no node has a transaction in memory',
  OWN6: 'no call starts after more than maxClaims claims',
  OWN7: 'one call of a branch ends before its next call, or its compensation, starts in the same session',
  OWN9: 'a live session owns no record that its node does not drive',
  DEF1: 'nothing throws where nothing catches',
} as const;

export type Invariant = keyof typeof INVARIANTS;

export interface Violation {
  readonly invariant: Invariant;
  readonly detail: string;
}
