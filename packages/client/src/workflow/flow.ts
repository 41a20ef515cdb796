import type { BranchTarget, WithPayload } from '../branch-declaration.ts';
import type { BranchCallContext } from '../participants/call.ts';
import type { JsonResult } from '../result-types.ts';
import type { TccBranch } from '../tcc.ts';
import type { BranchCallOptions } from '../transaction-options.ts';

/**
 * A running workflow, as its code sees it. The coordinator records the result of each step, so that
 * another run of the code, after a crash, reads the recorded results and continues where the
 * previous run ended.
 *
 * The code must be deterministic: put everything that differs from run to run (time, random
 * numbers, data read from elsewhere) or takes long into a step. Each step name identifies one step
 * of the transaction (`debit-${i}` in a loop): letters, digits and `_ . : -`, at most 64. Several
 * steps may run concurrently (`Promise.all`, `Promise.allSettled`); the order in which they finish
 * must not affect the code (no `Promise.race`). The work of a step must not request another step.
 *
 * A step that fails (`BranchFailure`) throws into the code. If the code does not catch the error,
 * the workflow fails: every step is undone, newest first, including steps that failed or may have
 * begun. If the code catches the error, it may continue differently; the failed step is undone at
 * the end. The failure of a step whose promise the code never awaits counts as uncaught. Any other
 * error of a step means that its outcome is unknown: this run ends there, and the coordinator has
 * the code run again later, which repeats the step.
 */
export interface Flow {
  readonly gid: string;

  /**
   * A step in this process. Its work is repeated if the process dies before the result is recorded,
   * or if the outcome is unknown. The parameter `call` identifies the step: with
   * `barrier.run(call, …)` the work takes effect once, and the barrier recognises the `undo` that
   * belongs to it.
   *
   * @returns the result of `run`, converted to JSON and back: a Date becomes a text. At most 4 KiB
   *   of JSON. A result that cannot be recorded, or that JSON would change (a Map, NaN), fails the
   *   step, which is undone, with the result as long as this process is alive. Return a key to the
   *   data instead, or give the step a `codec`, which the types require where they can detect this
   * @throws {BranchFailure} the step failed, in this run or when it was recorded
   */
  step<T>(name: string, step: FlowStep<T> & Required<Pick<FlowStep<T>, 'codec'>>): Promise<T>;
  step<T>(name: string, step: FlowStep<T> & JsonResult<T>): Promise<T>;
  step<T>(name: string, run: FlowStep<T>['run'] & JsonResult<T>): Promise<T>;

  /**
   * A branch at a URL, undone by a call of another URL, as in a saga. Both calls have the step's
   * name as branch ID; their `op` is `action` and `rollback`.
   *
   * @returns the response of the branch, after `parse`; at most 4 KiB of JSON: let `parse` keep
   *   only the necessary parts. For a gRPC method with a definition, `parse` receives the bytes of
   *   the message; without it the result is undefined
   * @throws {BranchFailure} the branch failed, or its response cannot be recorded
   */
  call<Payload = unknown, Result = unknown>(name: string, branch: FlowCall<Payload, Result>): Promise<Result>;

  /**
   * A tcc branch: tried now (`op` is `action`), confirmed (`commit`) or cancelled (`rollback`) when
   * the code of the workflow has ended. Resolves as `call` does.
   */
  tcc<Payload = unknown, Result = unknown>(name: string, branch: TccBranch<Payload, Result>): Promise<Result>;

  /**
   * An xa branch: prepared now, and committed or rolled back when the code of the workflow has
   * ended. The participant need not register itself with the coordinator, and receives no
   * `phase2_url`. Gid and name together have at most 63 bytes, since databases limit the names of
   * XA transactions. Resolves as `call` does.
   */
  xa<Payload = unknown, Result = unknown>(name: string, branch: FlowXa<Payload, Result>): Promise<Result>;

  /**
   * The time, recorded as a step, so that every run of the code sees the same time: ms since the
   * epoch.
   */
  now(name: string): Promise<number>;
  /** A random UUID, recorded as a step: for example an idempotency key for an external service. */
  uuid(name: string): Promise<string>;
}

/** Identifies the running step, for barriers and for idempotency keys of external services. */
export type StepCall = BranchCallContext<undefined>;

/** A step in this process. */
export interface FlowStep<T> {
  /** Carries out the step. Throws `BranchFailure` if the step can never succeed. */
  readonly run: (call: StepCall) => T | Promise<T>;
  /**
   * Undoes the step; repeated until it returns. Also called, without a result, if `run` failed or
   * may never have begun: it must be harmless then, as it is behind a barrier.
   */
  readonly undo?: (result: NoInfer<T> | undefined, call: StepCall) => unknown;
  /** Records a result that is not JSON, or exceeds 4 KiB of JSON, in another form. */
  readonly codec?: StepCodec<NoInfer<T>>;
}

/** How a result is recorded. */
export interface StepCodec<T> {
  /** Returns JSON of at most 4 KiB. */
  readonly encode: (result: T) => unknown;
  /** Returns the result for the code and for `undo`, from the recorded JSON. */
  readonly decode: (json: unknown) => T;
}

/** A branch that a workflow calls, and its compensation. */
export type FlowCall<Payload = unknown, Result = unknown> = FlowCallBranches<Payload, Result> & WithPayload<Payload>;

interface FlowCallBranches<Payload, Result> extends BranchCallOptions {
  readonly action: BranchTarget<Payload>;
  /**
   * Undoes the action; also called if it is uncertain whether the action happened. `null`: there is
   * nothing to undo.
   */
  readonly compensate: BranchTarget<Payload> | null;
  /**
   * Validates the response of the action and determines its type, for example a schema's `parse`.
   * The returned value is recorded.
   */
  readonly parse?: (response: unknown) => Result;
}

/** An xa branch that a workflow calls. */
export type FlowXa<Payload = unknown, Result = unknown> = FlowXaBranch<Payload, Result> & WithPayload<Payload>;

interface FlowXaBranch<Payload, Result> extends BranchCallOptions {
  readonly url: BranchTarget<Payload>;
  readonly parse?: (response: unknown) => Result;
}
