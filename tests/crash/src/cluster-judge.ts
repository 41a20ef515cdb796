import type { Evidence } from './evidence.ts';
import { callsOf } from './call-history.ts';
import { outageOf } from './database-faults/fault-outage.ts';
import { fencingViolations } from './fencing.ts';
import type { Disturbed } from './subject.ts';
import { type EndedSession, endedSessionsOf, slowTakeOvers, type TakeOver, takeOversOf } from './take-over.ts';

/**
 * The violations by one coordinator of several:
 *
 * - `called-while-fenced`: the coordinator was paused for longer than the silence limit, and then
 *   called a participant for a transaction that it owned before
 * - `never-let-go`: after such a pause the coordinator did not open a new session
 * - `called-without-lease`: the coordinator called a participant although the database had been
 *   unavailable for longer than its lease lasts
 * - `slow-take-over`: after a kill or pause of the coordinator, its session was not ended in time,
 *   or a transaction of which it was calling a branch was not continued in time
 */
export type NodeViolationKind = 'called-while-fenced' | 'never-let-go' | 'called-without-lease' | 'slow-take-over';

export interface NodeViolation {
  readonly kind: NodeViolationKind;
  /** Which coordinator; empty: any. */
  readonly node: string;
  readonly detail: string;
}

/** The judgement of coordinators that share a store. */
export interface ClusterJudgement {
  readonly takeOvers: readonly TakeOver[];
  readonly endedSessions: readonly EndedSession[];
  readonly violations: readonly NodeViolation[];
}

/**
 * Judges how coordinators stopped driving transactions and took them over, by the participants'
 * journal and the sessions in the store.
 */
export function judgeCluster(evidence: Evidence, observed: Disturbed, silenceMs: number): ClusterJudgement {
  const calls = callsOf(evidence);
  const disturbed = { ...observed, outages: [...observed.outages, ...observed.faults.map(outageOf)] };
  const takeOvers = takeOversOf(calls, disturbed.outages);
  const endedSessions = endedSessionsOf(disturbed);
  return {
    takeOvers,
    endedSessions,
    violations: [
      ...fencingViolations(calls, disturbed, silenceMs),
      ...slowTakeOvers(takeOvers, endedSessions, silenceMs),
    ],
  };
}
