import type { ChaosPlan } from './chaos-plan.ts';

/** What initiators and participants write down, one JSON line each. */
export type ChaosLine = PlannedLine | OutcomeLine | FaultLine;

/** Before the first call of a transaction. */
export interface PlannedLine {
  readonly kind: 'planned';
  readonly gid: string;
  readonly number: number;
  readonly plan: ChaosPlan;
}

/** How the SDK ended the initiator's call. */
export interface OutcomeLine {
  readonly kind: 'outcome';
  readonly gid: string;
  /** `unclear`: an error that leaves the outcome open. */
  readonly outcome: 'success' | 'failed' | 'unclear';
  readonly why: string;
}

/** A fault that a participant or an initiator met. */
export interface FaultLine {
  readonly kind: 'fault';
  readonly gid: string;
  readonly fault: string;
}
