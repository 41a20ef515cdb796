import type { Plan } from './plan.ts';

/** A line of the clients' notes, as JSON: a plan, or a response of the coordinator. */
export type Note = PlannedNote | ResponseNote;

/** Before its first call. */
export interface PlannedNote {
  readonly kind: 'planned';
  readonly gid: string;
  readonly plan: Plan;
  /** ms since the epoch. */
  readonly atMs: number;
}

/** One call to the coordinator, and its result. */
export interface ResponseNote {
  readonly kind: 'responded';
  readonly gid: string;
  readonly call: ClientCall;
  readonly response: ClientResponse;
  /** An earlier attempt of this call received no response, and may have been accepted. */
  readonly repeated: boolean;
  /**
   * The length of the participants' journal when the response arrived: everything before this
   * offset had happened.
   */
  readonly journalBytes: number;
}

/** `run` is sent to a workflow's initiator, all others to the coordinator. */
export type ClientCall = CoordinatorCall | 'run';

/** A call of dtm's wire protocol. */
export type CoordinatorCall = 'prepare' | 'registerBranch' | 'submit' | 'abort';

/** What a client learns from a call. */
export interface ClientResponse {
  /** `unknown`: no response, or one that is neither an acceptance nor a rejection. */
  readonly outcome: 'success' | 'refused' | 'ongoing' | 'unknown';
  /** The transaction's status, if the response contains one. */
  readonly status: string;
  readonly waited: boolean;
  /**
   * The coordinator rejected the caller's token then, ms since the epoch; absent if it did not.
   */
  readonly deniedAtMs?: number;
}
