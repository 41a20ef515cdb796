/** What must hold in every run; `docs/correctness.md` explains each one and says where the code keeps it. */
export const INVARIANTS = {
  A1: 'what was acknowledged is in the store when the caller hears it',
  A2: 'what was accepted comes to a final status',
  A3: 'what was accepted does not disappear, nor does a branch that was registered',
  A4: 'every caller is answered',
  A5: 'what a caller is told of a status is true in the store',
  D1: 'a status changes only along its diagram, and a final one never',
  D2: 'a decision has a reason: UNKNOWN and ONGOING decide nothing',
  D3: 'a branch is undone only once aborting is stored',
  D4: 'a branch is driven forward only while submitted is stored',
  D5: 'an acknowledged order is kept: what was stopped or aborted does not succeed',
  E1: 'succeed means that every effect is there, once, and none is undone',
  E2: 'failed means that no effect is left: the set compensated contains the set that ran',
  E3: 'no branch is both confirmed and cancelled, and no acknowledged registration is forgotten',
  E4: 'branches run in the order that the client gave, and are undone in reverse',
  E5: 'a message is delivered if, and only if, its local transaction was committed',
  E6: 'without faults no branch is called twice',
  E7: 'a call carries the payload, URL and names that the client gave for that branch',
  P1: 'only the session that owns the record starts a branch call',
  P2: 'a stale or repeated write changes nothing',
  P3: 'an owned record is taken only from a session that is over',
  P4: 'at the end no node holds anything, and no dead session owns anything',
  P5: 'what one node drives at once stays within its bound',
  P6: 'a transaction that keeps killing its node is parked until a person orders a retry',
  P7: 'one call of a branch ends before its next call, or its compensation, starts in the same session',
  Z1: 'nothing throws where nobody catches, and no answer blames a defect of Holdfast',
} as const;

export type Invariant = keyof typeof INVARIANTS;

export interface Violation {
  readonly invariant: Invariant;
  readonly atMs: number;
  readonly gid: string;
  readonly detail: string;
}
