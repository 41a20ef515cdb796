import type { SubmitOptions } from '../options.ts';
import type { TransactionOptions } from '../transaction-options.ts';
import type { Flow } from './flow.ts';

/**
 * Options of a workflow. `retryIntervalMs`: how long after the last sign of life it is called back
 * first; `requestTimeoutMs`: of each branch it calls.
 */
export interface WorkflowOptions extends TransactionOptions {
  /**
   * Raise it with every change of the code that changes its steps. What another version recorded
   * waits for a person: keep the earlier version deployed until its transactions have ended.
   */
  readonly version: number;
  /**
   * Where this service answers call-backs (`workflowCallback`), as the coordinator reaches it. May
   * be left out with `embed()`.
   */
  readonly callbackUrl?: string;
  /**
   * How long one step may take, in ms: an hour by default. So long after the last recorded step the
   * process sends heartbeats, which keep the coordinator from calling another process back. After
   * that the callback comes although the step may still be running. 0: no heartbeats.
   */
  readonly longestStepMs?: number;
  /**
   * How long XA steps may stay prepared while the outcome of another step is not known, in ms:
   * 35 s by default, counted from the first XA step. The first run after that whose outcome is
   * unclear again aborts the workflow, so that the rows are unlocked. 0: the first unclear run. A
   * workflow is not aborted once a step without an undo has been carried out, or may have been:
   * give a step that only reads an `undo` that does nothing.
   */
  readonly longestPreparedMs?: number;
}

export interface RunOptions extends SubmitOptions {
  /**
   * 128 characters at most; made here unless given. The same gid again finds the same transaction:
   * goes on with it, or answers how it ended. The input must be the same as well, in its JSON text
   * (the order of keys counts): one gid is one transaction, and another input is refused.
   */
  readonly gid?: string;
}

/** The code of a workflow: see `Flow` for what it may do. */
export type WorkflowCode<Input, Output> = (flow: Flow, input: Input) => Output | Promise<Output>;

/** A workflow, ready to run. */
export interface Workflow<Input, Output> {
  readonly name: string;
  readonly version: number;
  /**
   * Runs the workflow in this process. If the process dies, or the outcome of a step is not known,
   * the coordinator calls the code back until it has ended. With `wait`, such a call-back is waited
   * for.
   *
   * @returns what the code returned, as JSON gives it back. At most 4 KiB: with more, the workflow
   * fails and is undone
   * @throws {TransactionFailed} it failed and was undone, or is being undone; `cause` is what the
   * code threw, if it ran here
   * @throws {TransactionPending} the outcome of a step is not known (`cause`), or its decision
   * cannot be carried out yet: it is called back
   * @throws {WorkflowMismatch} this is not the code that recorded its steps: it waits for a person
   * @throws {RequestRejected} the gid belongs to another transaction, or to one with another input
   * (`field` is `workflow.input`), or a field is wrong
   * @throws {CoordinatorUnreachable | UnexpectedResponse} it was not begun, unless an earlier run of
   * the same gid did
   */
  run(input: Input, options?: RunOptions): Promise<Output>;
}
