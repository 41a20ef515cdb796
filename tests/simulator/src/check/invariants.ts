/**
 * The invariants of every run; `docs/correctness.md` explains each and where the code ensures it.
 */
export const INVARIANTS = {
  ACK1: 'what was acknowledged is in the store when the caller receives it',
  ACK2: 'every accepted transaction reaches a final status',
  ACK3: 'an accepted transaction or registered branch is never lost',
  ACK4: 'every caller receives a response',
  ACK5: 'a status in a response agrees with the store',
  ACK6: 'a request that contradicts a transaction is rejected, never acknowledged; a repeat of the same content receives the response that the first request would now receive',
  DEC1: 'a status changes only along its diagram, and a final one never',
  DEC2: 'a decision has a reason: UNKNOWN and ONGOING decide nothing',
  DEC3: 'a branch is undone only once aborting is stored',
  DEC4: 'a branch is driven forward only while submitted is stored',
  DEC5: 'an acknowledged command is kept: a stopped or aborted transaction does not succeed',
  EFF1: 'succeed means that every effect is there, once, and none is undone',
  EFF2: 'failed means that no effect is left: the set compensated contains the set that ran',
  EFF3: 'no branch is both confirmed and cancelled, and no acknowledged registration is forgotten',
  EFF4: 'branches run in the order that the client gave, and are undone in reverse',
  EFF5: 'a message is delivered if, and only if, its local transaction was committed',
  EFF6: 'without faults no branch is called twice',
  EFF7: 'a call carries the payload, URL and names that the client gave for that branch',
  OWN1: 'only the session that owns the record starts a branch call',
  OWN2: 'a stale or repeated write changes nothing',
  OWN3: 'an owned record is taken only from a session that has ended',
  OWN4: 'at the end no node has a transaction in memory, and no dead session owns a record',
  OWN5: 'the number of transactions that one node drives at once stays within its bound',
  OWN6: 'a transaction that keeps crashing its node is parked until an operator retries it',
  OWN7: 'one call of a branch ends before its next call, or its compensation, starts in the same session',
  OWN8: 'a branch of an application is called only by nodes that host the application',
  CB1: 'no callback of a workflow starts within the interval after a heartbeat of its code',
  CB2: 'a heartbeat decides nothing, and starts nothing that is finished or parked',
  HTTP1: 'a call has the result of its response, or no result',
  HTTP2: 'a call is sent again only once, after a kept connection was lost without a byte of response',
  DEF1: 'nothing throws where nothing catches, and no response is an internal error',
} as const;

export type Invariant = keyof typeof INVARIANTS;

export interface Violation {
  readonly invariant: Invariant;
  readonly atMs: number;
  readonly gid: string;
  readonly detail: string;
}
