import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { BranchFailure, readableThrown, resultOfThrown } from '@holdfast/protocol';
import type { RequestRejected } from '../errors.ts';
import type { TccBranch } from '../tcc.ts';
import { type BranchCalls, calledStep, localStep, type StepWork, tccStep, xaStep } from './branch-steps.ts';
import type { Flow, FlowCall, FlowStep, FlowXa, StepCodec } from './flow.ts';
import { WorkflowMismatch } from './mismatch.ts';
import type { WorkflowCode } from './options.ts';
import {
  asRecorded,
  assertStepName,
  encode,
  Progress,
  type RecordedStep,
  shortened,
  type StepRecord,
} from './records.ts';
import { Replay } from './replay.ts';
import { StepPromise } from './step-promise.ts';

/** The outcome of one run of the code. */
export type CodeOutcome =
  | { readonly kind: 'returned'; readonly value: unknown }
  | { readonly kind: 'failed'; readonly thrown: unknown; readonly reason: string }
  /** The outcome of a step is not known, or the code threw an error. */
  | { readonly kind: 'unclear'; readonly cause: unknown }
  /** Another run decided about the transaction. */
  | { readonly kind: 'overtaken' }
  | { readonly kind: 'mismatch'; readonly error: WorkflowMismatch };

type Halt = Extract<CodeOutcome, { readonly kind: 'unclear' | 'overtaken' | 'mismatch' }>;
type Ended = Exclude<CodeOutcome, { readonly kind: 'overtaken' | 'mismatch' }>;

/**
 * How long code that has ended may take to request the steps that an earlier run began: concurrent
 * branches of the code may wait between two steps.
 */
const GAP_MS = 10_000;

/** A step that the code requested. */
export interface RequestedStep {
  readonly name: string;
  readonly work: StepWork;
  /** Undefined: unknown; the step may have run, here or in another process. */
  outcome: 'succeed' | 'failed' | undefined;
  result: unknown;
  /** See `StepRecord`; undefined for a step that is not an XA step, or was not announced. */
  beganAtMs?: number | undefined;
}

export interface ExecutionOptions extends BranchCalls {
  readonly workflow: string;
  readonly version: number;
  readonly progress: Progress;
  /**
   * `forward`: steps that are not recorded are carried out. `replay`: they are not carried out; the
   * run only determines which steps may have to be undone.
   */
  readonly mode: 'forward' | 'replay';
  /** Results of this process that could not be recorded, by step; passed to the undo. */
  readonly unrecorded: Map<string, unknown>;
  /** Reads the recorded progress. */
  readonly read: () => Promise<Progress>;
  readonly signal: AbortSignal | undefined;
  /** This process is stopping: no new step begins. */
  readonly isStopped?: (() => boolean) | undefined;
}

/** Thrown into code that must not continue; the further outcome of that code is ignored. */
class Halted extends Error {
  override readonly name = 'Halted';

  constructor(gid: string) {
    super(`This run of workflow transaction ${gid} has ended`);
  }
}

/** A step whose action is running. */
interface StepAtWork {
  readonly of: object;
  readonly name: string;
  readonly outer: StepAtWork | undefined;
}

/**
 * The step whose action called the present code. One for all runs: each storage costs every
 * asynchronous call of the process.
 */
const stepsAtWork = new AsyncLocalStorage<StepAtWork>();

/** One run of a workflow's code over what is recorded. */
export class Execution implements Flow {
  readonly gid: string;
  /** The steps in the order in which the code requested them. */
  readonly #requested = new Map<string, RequestedStep>();
  /** Names in the order of their recording. */
  readonly #order: string[];
  readonly #running = new Set<Promise<unknown>>();
  /** Failures of steps. A failure that the code does not use fails the workflow. */
  readonly #failures: { readonly promise: StepPromise<unknown>; readonly thrown: unknown }[] = [];
  readonly #o: ExecutionOptions;
  readonly #replay: Replay;
  /** Replays the actions that an earlier run began, and whose outcome is not recorded. */
  readonly #restart: Replay;
  #halt: Halt | undefined;
  #closed = false;
  #complete = false;

  constructor(options: ExecutionOptions) {
    this.#o = options;
    this.gid = options.gid;
    this.#order = [...options.progress.steps.keys()];
    const onMissing = (missing: readonly string[]): void => {
      const what = `its code does not come to the recorded step${missing.length > 1 ? 's' : ''} ${missing.join(', ')}`;
      this.#mismatch(what);
    };
    this.#replay = new Replay(this.#order, onMissing);
    this.#restart = new Replay(options.progress.started.keys(), onMissing, GAP_MS);
  }

  /** Runs the code to its end, and waits for all steps that it began. */
  async run<Input, Output>(code: WorkflowCode<Input, Output>, input: Input): Promise<CodeOutcome> {
    const { steps, started } = this.#o.progress;
    for (const [name, { record }] of steps) this.#check(name, record);
    for (const [name, record] of started) this.#check(name, record);
    if (this.#halt !== undefined) return this.#halt;
    const ended = await endOf(async () => code(this, input));
    // Code that failed because of one of several concurrent steps may still request the others.
    // After any other error the code need not request them.
    if (ended.kind !== 'unclear' || ended.cause instanceof Halted) {
      await this.#replay.over();
      // A forward run that failed is followed by a replay, which waits for them.
      if (this.#o.mode === 'replay' || ended.kind === 'returned') await this.#restart.over();
    }
    this.#closed = true;
    await this.#settled();
    this.#complete = this.#replay.isOver && this.#restart.isOver;
    this.#replay.close();
    this.#restart.close();
    return this.#outcome(ended);
  }

  /** Whether the code requested every recorded step, so that all steps to undo are known. */
  get isComplete(): boolean {
    return this.#complete;
  }

  #outcome(ended: Ended): CodeOutcome {
    const halt = this.#halt;
    // Code that turns an unknown outcome into a failure has decided; a step that may have run is
    // undone.
    if (halt !== undefined && !(halt.kind === 'unclear' && ended.kind === 'failed')) return halt;
    if (ended.kind !== 'returned') return ended;
    const ignored = this.#failures.find(({ promise }) => !promise.isUsed);
    if (ignored !== undefined)
      return { kind: 'failed', thrown: ignored.thrown, reason: resultOfThrown(ignored.thrown).reason };
    const left = [...this.#requested.values()].find(({ outcome }) => outcome === undefined);
    if (left === undefined) return ended;
    return { kind: 'unclear', cause: new TypeError(`The code did not wait for a step that it began: ${left.name}`) };
  }

  /**
   * When the first XA step that has not failed began, in ms since the epoch: rows may be locked
   * since then. Undefined if there is no such step.
   */
  get preparedSinceMs(): number | undefined {
    const times = [...this.#requested.values()].flatMap(({ beganAtMs, outcome }) =>
      beganAtMs === undefined || outcome === 'failed' ? [] : [beganAtMs],
    );
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** Whether an abort undoes every effect that the steps have, or may have. */
  get isUndoable(): boolean {
    return [...this.#requested.values()].every(
      ({ outcome, work }) => outcome === 'failed' || work.rollback !== undefined || work.hasNoEffect === true,
    );
  }

  /** The steps, newest first; those that are not recorded precede all others. */
  steps(): RequestedStep[] {
    const recorded = this.#order.flatMap((name) => this.#requested.get(name) ?? []);
    const others = [...this.#requested.values()].filter(({ name }) => !this.#order.includes(name));
    return [...recorded, ...others].reverse();
  }

  step<T>(name: string, step: FlowStep<T> | FlowStep<T>['run']): Promise<T> {
    const whole = typeof step === 'function' ? { run: step } : step;
    return this.#step(name, () => localStep(this.gid, name, whole)) as Promise<T>;
  }

  call<P, A>(name: string, branch: FlowCall<P, A>): Promise<A> {
    return this.#step(name, () => calledStep(this.#o, name, branch)) as Promise<A>;
  }

  tcc<P, A>(name: string, branch: TccBranch<P, A>): Promise<A> {
    return this.#step(name, () => tccStep(this.#o, name, branch)) as Promise<A>;
  }

  xa<P, A>(name: string, branch: FlowXa<P, A>): Promise<A> {
    return this.#step(name, () => xaStep(this.#o, name, branch)) as Promise<A>;
  }

  now(name: string): Promise<number> {
    return this.#step(name, () => ({
      ...localStep(this.gid, name, { run: Date.now }),
      hasNoEffect: true,
    })) as Promise<number>;
  }

  uuid(name: string): Promise<string> {
    const run = (): string => randomUUID();
    return this.#step(name, () => ({ ...localStep(this.gid, name, { run }), hasNoEffect: true })) as Promise<string>;
  }

  #step(name: string, workOf: () => StepWork): Promise<unknown> {
    const running = this.#resolve(name, workOf);
    this.#running.add(running);
    const promise = StepPromise.of(running);
    running.then(
      () => this.#running.delete(running),
      (thrown: unknown) => {
        this.#running.delete(running);
        if (resultOfThrown(thrown).kind === 'FAILURE') this.#failures.push({ promise, thrown });
      },
    );
    return promise;
  }

  async #resolve(name: string, workOf: () => StepWork): Promise<unknown> {
    const step = this.#begin(name, workOf);
    this.#replay.requested(name);
    this.#restart.requested(name);
    const recorded = this.#o.progress.steps.get(name);
    if (recorded !== undefined) return this.#fromRecord(step, recorded);
    await this.#replay.over();
    // Steps that are requested together belong to the run even if the first of them ends it.
    if (this.#o.mode === 'replay') await setImmediate();
    if (this.#o.signal?.aborted === true) this.#stop({ kind: 'unclear', cause: this.#o.signal.reason as unknown });
    if (this.#o.isStopped?.() === true)
      this.#stop({ kind: 'unclear', cause: new Error('this process is shutting down') });
    if (this.#o.mode === 'replay' || this.#closed || this.#halt !== undefined) throw this.#halted();
    return this.#carryOut(step);
  }

  #begin(name: string, workOf: () => StepWork): RequestedStep {
    try {
      assertStepName(name);
      const outer = this.#outer();
      if (outer !== undefined)
        throw new TypeError(
          `Step ${name} is requested by the work of step ${outer}, which could not be undone together with it: request the steps one after the other, in the code of the workflow`,
        );
      if (this.#requested.has(name))
        throw new TypeError(`There are two steps named ${name}: a name identifies one step of the transaction`);
      const step = { name, work: workOf(), outcome: undefined, result: undefined };
      this.#requested.set(name, step);
      return step;
    } catch (error) {
      if (resultOfThrown(error).kind !== 'FAILURE') this.#stop({ kind: 'unclear', cause: error });
      throw error;
    }
  }

  /**
   * Name of the step of this run whose work called the current code, directly or through steps of
   * other runs.
   */
  #outer(): string | undefined {
    let step = stepsAtWork.getStore();
    while (step !== undefined && step.of !== this) step = step.outer;
    return step?.name;
  }

  #fromRecord(step: RequestedStep, { failed, record }: RecordedStep): unknown {
    const { name, work } = step;
    if (record !== undefined && record.kind !== work.kind)
      throw this.#mismatch(`step ${name} was recorded as a ${record.kind}, now it is a ${work.kind}`);
    step.beganAtMs = record?.beganAtMs;
    return this.#took(step, failed, record);
  }

  /** Halts the run if this code cannot have recorded the step. */
  #check(name: string, record: StepRecord | undefined): void {
    const { workflow, version } = this.#o;
    if (record === undefined) this.#mismatch(`step ${name} was not recorded by a workflow of this SDK`);
    else if (record.workflow !== workflow) this.#mismatch(`step ${name} was recorded by workflow ${record.workflow}`);
    else if (record.version !== version)
      this.#mismatch(`step ${name} was recorded by version ${record.version}, this is version ${version}`);
  }

  /** Carries out a step and records its result before the code receives it. */
  async #carryOut(step: RequestedStep): Promise<unknown> {
    const { name, work } = step;
    try {
      if (work.kind === 'xa') step.beganAtMs = this.#o.progress.started.get(name)?.beganAtMs ?? Date.now();
      await this.#announce(step);
      const atWork = { of: this, name, outer: stepsAtWork.getStore() };
      const outcome = await stepsAtWork.run(atWork, () => this.#act(name, work));
      const stands = await this.#record(step, outcome);
      if (stands === undefined) throw this.#halted();
      this.#order.push(name);
      return this.#took(step, stands.failed, stands.record);
    } catch (error) {
      if (step.outcome === undefined) this.#stop({ kind: 'unclear', cause: error });
      throw error;
    }
  }

  /** Records that the action of a step that can be undone is about to run. */
  async #announce({ name, work: { kind, rollback }, beganAtMs }: RequestedStep): Promise<void> {
    const { api, gid, workflow, version, progress, read } = this.#o;
    if (rollback === undefined || progress.started.has(name)) return;
    const data = encode({
      workflow,
      version,
      kind,
      ...(beganAtMs !== undefined && { beganAtMs }),
    } satisfies StepRecord);
    const start = { pattern: 'workflow', branchId: name, op: 'start', status: 'succeed', data } as const;
    const response = await api.registerBranch({ gid, body: start }, {});
    if (response.ok) {
      if (this.#closed || this.#halt !== undefined) throw this.#halted();
      return;
    }
    const { rejection } = response;
    // A coordinator of the previous version does not support the op `start`.
    if (rejection.rejection === 'invalid') return;
    if (rejection.rejection === 'too_large') throw new BranchFailure(rejection.message, { cause: rejection });
    if ((await read()).status === 'prepared') throw rejection;
    this.#stop({ kind: 'overtaken' });
    throw this.#halted();
  }

  async #act(name: string, work: StepWork): Promise<{ readonly result?: unknown } | { readonly reason: string }> {
    try {
      const value = await work.act();
      try {
        const kept = work.codec === undefined ? value : await encoded(name, work.codec, value);
        return { result: asRecorded(`Step ${name}`, kept, true) };
      } catch (error) {
        this.#o.unrecorded.set(name, value);
        throw error;
      }
    } catch (thrown) {
      const error = readableThrown(thrown);
      const { kind, reason } = resultOfThrown(error);
      if (kind !== 'FAILURE') throw error;
      return { reason: shortened(reason) };
    }
  }

  /**
   * Resolves to the first outcome that was recorded, which counts. Undefined: another run decided
   * about the transaction.
   */
  async #record(
    { name, work: { kind }, beganAtMs }: RequestedStep,
    outcome: { readonly result?: unknown } | { readonly reason: string },
  ): Promise<RecordedStep | undefined> {
    const { api, gid, workflow, version, read } = this.#o;
    const record: StepRecord = { workflow, version, kind, ...outcome, ...(beganAtMs !== undefined && { beganAtMs }) };
    const failed = 'reason' in outcome;
    const status = failed ? 'failed' : 'succeed';
    const registration = { pattern: 'workflow', branchId: name, op: 'action', status, data: encode(record) } as const;
    const response = await api.registerBranch({ gid, body: registration }, {});
    if (response.ok) return { failed, record };
    return this.#first(name, await read(), response.rejection);
  }

  #first(name: string, now: Progress, rejection: RequestRejected): RecordedStep | undefined {
    if (now.status !== 'prepared') {
      this.#stop({ kind: 'overtaken' });
      return undefined;
    }
    const first = now.steps.get(name);
    if (first === undefined) throw rejection;
    return first;
  }

  /** Waits for the steps that the code does not await, too; no new step begins. */
  async #settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled(this.#running);
    await setImmediate();
    if (this.#running.size > 0) await this.#settled();
  }

  /** Applies the record of a step: returns its result, or throws its failure. */
  #took(step: RequestedStep, failed: boolean, record: StepRecord | undefined): unknown {
    const { name, work } = step;
    step.outcome = failed ? 'failed' : 'succeed';
    if (failed) {
      step.result = this.#o.unrecorded.get(name);
      throw new BranchFailure(record?.reason ?? `step ${name} failed`);
    }
    step.result = work.codec === undefined ? record?.result : work.codec.decode(record?.result);
    return step.result;
  }

  #mismatch(what: string): WorkflowMismatch {
    const error = new WorkflowMismatch(this.gid, what);
    this.#halt = { kind: 'mismatch', error };
    this.#replay.close();
    this.#restart.close();
    return error;
  }

  #stop(halt: Halt): void {
    this.#halt ??= halt;
    if (halt.kind === 'overtaken' && this.#halt.kind === 'unclear') this.#halt = halt;
  }

  #halted(): unknown {
    const halt = this.#halt;
    if (halt?.kind === 'mismatch') return halt.error;
    return halt?.kind === 'unclear' ? halt.cause : new Halted(this.gid);
  }
}

/** @throws {BranchFailure} the codec cannot encode the result, which is the same in every run */
async function encoded(name: string, codec: StepCodec<unknown>, value: unknown): Promise<unknown> {
  try {
    return await codec.encode(value);
  } catch (cause) {
    throw new BranchFailure(
      `Step ${name} returned a value that its codec cannot encode: ${resultOfThrown(cause).reason}`,
      {
        cause,
      },
    );
  }
}

async function endOf(code: () => Promise<unknown>): Promise<Ended> {
  try {
    return { kind: 'returned', value: await code() };
  } catch (cause) {
    const thrown = readableThrown(cause);
    const { kind, reason } = resultOfThrown(thrown);
    return kind === 'FAILURE' ? { kind: 'failed', thrown, reason } : { kind: 'unclear', cause: thrown };
  }
}
