import type { Plan } from './plan.ts';

/**
 * What the clients write down: what they planned, and how the coordinator answered. One JSON line
 * each.
 */
export type Note = PlannedNote | AnsweredNote;

/** Before its first call. */
export interface PlannedNote {
  readonly kind: 'planned';
  readonly gid: string;
  readonly plan: Plan;
  /** ms since the epoch. */
  readonly atMs: number;
}

/** One call to the coordinator, and what came of it. */
export interface AnsweredNote {
  readonly kind: 'answered';
  readonly gid: string;
  readonly call: ClientCall;
  readonly answer: Answer;
  /** An earlier attempt of this call was not answered, and may have been accepted. */
  readonly repeated: boolean;
  /**
   * How long the participants' journal was when the answer arrived: what stands before it had
   * happened.
   */
  readonly journalBytes: number;
}

/** `run` is asked of a workflow's initiator, all others of the coordinator. */
export type ClientCall = 'prepare' | 'registerBranch' | 'submit' | 'abort' | 'run';

/** What a client learns from a call. */
export interface Answer {
  /** `unknown`: no answer, or one that says neither yes nor no. */
  readonly outcome: 'success' | 'refused' | 'ongoing' | 'unknown';
  /** The transaction's status, where the answer tells it. */
  readonly status: string;
  readonly waited: boolean;
}
