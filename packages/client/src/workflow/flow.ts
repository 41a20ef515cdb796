import type { BranchTarget, WithPayload } from '../branch-declaration.ts';
import type { BranchCallContext } from '../participants/call.ts';
import type { JsonResult } from '../result-types.ts';
import type { TccBranch } from '../tcc.ts';
import type { BranchCallOptions } from '../transaction-options.ts';

/**
 * A running workflow, as its code sees it. What each step gave is recorded with the coordinator, so
 * that another run of the code, after a crash, gets it from there and goes on where the first one
 * ended.
 *
 * The code must do the same again when it is run again: whatever differs from run to run (time,
 * chance, what is read from elsewhere) or takes long belongs into a step. Steps are known by their
 * names: each name stands for one step of the transaction (`debit-${i}` in a loop), letters, digits
 * and `_ . : -`, 64 at most. Several steps may run at once (`Promise.all`, `Promise.allSettled`);
 * which of them is first must not decide what the code does (no `Promise.race`). The work of a step
 * asks for no other step.
 *
 * A step that fails (`BranchFailure`) throws into the code. Uncaught, the workflow fails: every
 * step is undone, newest first, whatever failed and whatever perhaps began included. Caught, the
 * code may go another way; the failed step is undone at the end. The failure of a step whose
 * promise the code never awaits counts as uncaught. Any other error of a step means that its
 * outcome is not known: this run ends there, and the coordinator has the code run again later,
 * which repeats the step.
 */
export interface Flow {
  readonly gid: string;

  /**
   * Work of this process. It may be repeated: when the process dies before what it gave is
   * recorded, and when the outcome is not known. Its `call` identifies it: `barrier.run(call, …)`
   * lets it have its effect once, and the barrier knows which `undo` belongs to it.
   *
   * @returns what `run` gave, as JSON gives it back: a Date comes as a text. At most 4 KiB of JSON;
   *   what cannot be recorded, or is something else in JSON (a Map, NaN), fails the step, which is
   *   undone, with the result while this process lives: return a key to it instead, or give the
   *   step a `codec`, which the type demands where it can tell
   * @throws {BranchFailure} it failed, now or when it was recorded
   */
  step<T>(name: string, step: FlowStep<T> & Required<Pick<FlowStep<T>, 'codec'>>): Promise<T>;
  step<T>(name: string, step: FlowStep<T> & JsonResult<T>): Promise<T>;
  step<T>(name: string, run: FlowStep<T>['run'] & JsonResult<T>): Promise<T>;

  /**
   * A branch behind a URL, undone by another one, as in a saga. Both are called with the step's
   * name as branch id, `op` is `action` and `rollback`.
   *
   * @returns what the branch answered, after `parse`; at most 4 KiB of JSON: let `parse` keep what
   * is needed
   * @throws {BranchFailure} it failed, or its answer cannot be recorded
   */
  call<Payload = unknown, Answer = unknown>(name: string, branch: FlowCall<Payload, Answer>): Promise<Answer>;

  /**
   * A tcc branch: tried now (`op` is `action`), confirmed (`commit`) or cancelled (`rollback`) when
   * the workflow has ended. Answers as `call` does.
   */
  tcc<Payload = unknown, Answer = unknown>(name: string, branch: TccBranch<Payload, Answer>): Promise<Answer>;

  /**
   * An xa branch: does its work and prepares now, is committed or rolled back when the workflow has
   * ended. It need not register itself with the coordinator, and is given no `phase2_url`. Gid and
   * name together have 63 bytes at most: databases limit the names of XA transactions. Answers as
   * `call` does.
   */
  xa<Payload = unknown, Answer = unknown>(name: string, branch: FlowXa<Payload, Answer>): Promise<Answer>;

  /**
   * The time, recorded as a step, so that every run of the code sees the same: ms since the epoch.
   */
  now(name: string): Promise<number>;
  /** A random UUID, recorded as a step: for example the idempotency key of a foreign service. */
  uuid(name: string): Promise<string>;
}

/** Which step runs, for barriers and foreign services' idempotency keys. */
export type StepCall = BranchCallContext<undefined>;

/** A step in this process. */
export interface FlowStep<T> {
  /** Does it. Throws `BranchFailure` when it can never succeed. */
  readonly run: (call: StepCall) => T | Promise<T>;
  /**
   * Undoes it; repeated until it returns. Also called when `run` failed or perhaps never began, and
   * then without a result: it must be harmless then, as it is behind a barrier.
   */
  readonly undo?: (result: NoInfer<T> | undefined, call: StepCall) => unknown;
  /** Records a result that is not JSON, or takes more than 4 KiB of it, in another form. */
  readonly codec?: StepCodec<NoInfer<T>>;
}

/** How a result is recorded. */
export interface StepCodec<T> {
  /** Gives JSON of at most 4 KiB. */
  readonly encode: (result: T) => unknown;
  /** Gives what the step returns, and what `undo` gets, from what was recorded. */
  readonly decode: (json: unknown) => T;
}

/** A branch that a workflow calls, and what undoes it. */
export type FlowCall<Payload = unknown, Answer = unknown> = FlowCallBranches<Payload, Answer> & WithPayload<Payload>;

interface FlowCallBranches<Payload, Answer> extends BranchCallOptions {
  readonly action: BranchTarget<Payload>;
  /**
   * Undoes it; also called when it is not certain that the action happened. `null`: there is
   * nothing to undo.
   */
  readonly compensate: BranchTarget<Payload> | null;
  /**
   * Checks what the action answered and gives it its type, for example a schema's `parse`. What it
   * gives is recorded.
   */
  readonly parse?: (answer: unknown) => Answer;
}

/** An xa branch that a workflow calls. */
export type FlowXa<Payload = unknown, Answer = unknown> = FlowXaBranch<Payload, Answer> & WithPayload<Payload>;

interface FlowXaBranch<Payload, Answer> extends BranchCallOptions {
  readonly url: BranchTarget<Payload>;
  readonly parse?: (answer: unknown) => Answer;
}
