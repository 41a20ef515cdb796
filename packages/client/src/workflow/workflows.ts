import { BranchOngoing, isFinal, readableReason, type TransactionDetails } from '@holdfast/protocol';
import { isGrpcUrl } from '@holdfast/protocol/grpc';
import type { Api } from '../api/api.ts';
import { callEnd, limited, waitEnd } from '../api/call-end.ts';
import { unlessAborted } from '../api/unless-aborted.ts';
import { within } from '../api/within.ts';
import {
  DeadlineExceeded,
  inDoubt,
  RequestRejected,
  TransactionFailed,
  TransactionPending,
  TransactionStopped,
} from '../errors.ts';
import { newGid } from '../gid.ts';
import { assertJson } from '../json-value.ts';
import type { CallOptions } from '../options.ts';
import { deadlineIn, reader, waitUntilFinal } from '../outcome.ts';
import type { BranchCallContext } from '../participants/call.ts';
import type { SubmissionContext } from '../submission.ts';
import { wireOptions } from '../transaction-options.ts';
import { checkWait } from '../wait-option.ts';
import { Conductor, type Definition, type Result } from './conduct.ts';
import { Heartbeats } from './heartbeats.ts';
import type { RunOptions, Workflow, WorkflowCode, WorkflowOptions } from './options.ts';
import { decode, NO_PROGRESS } from './records.ts';

export interface WorkflowsContext extends SubmissionContext {
  /** The callback URL, unless a workflow specifies another one. */
  readonly callbackUrl?: string | undefined;
}

/** A run that is in progress in this process. */
interface RunningHere {
  readonly name: string;
  /** As JSON. */
  readonly input: string;
  readonly ended: Promise<Result>;
}

/**
 * An input as it is stored: equal inputs have equal texts. Null for undefined: a callback without a
 * body would be a GET.
 */
const textOf = (input: unknown): string => JSON.stringify(input ?? null);

/** Metadata of gRPC; receivers drop a value with a space at an end. */
const METADATA = /^(?! )[\x20-\x7e]*(?<! )$/;

/** A step may take this long unless its workflow specifies it. */
const LONGEST_STEP_MS = 3_600_000;

/** As long as a tcc or an xa may take by default until it is submitted. */
const LONGEST_PREPARED_MS = 35_000;

/** Longest time until a callback is responded to: coordinators do not wait much longer. */
const CALL_BACK_PATIENCE_MS = 1_000;

/** The workflows of one client, and those of their transactions that run in this process. */
export class Workflows {
  readonly #context: WorkflowsContext;
  readonly #heartbeats: Heartbeats;
  readonly #definitions = new Map<string, Definition>();
  /** By gid. A transaction runs once in a process, however often it is requested. */
  readonly #running = new Map<string, RunningHere>();

  readonly #isStopped = (): boolean => this.#context.work?.isStopped === true;

  constructor(context: WorkflowsContext) {
    this.#context = context;
    this.#heartbeats = new Heartbeats(context.api);
  }

  /** See `Holdfast.workflow`. */
  define<Input, Output>(
    name: string,
    options: WorkflowOptions,
    code: WorkflowCode<Input, Output>,
  ): Workflow<Input, Output> {
    const {
      version,
      callbackUrl = this.#context.callbackUrl,
      longestStepMs = LONGEST_STEP_MS,
      longestPreparedMs = LONGEST_PREPARED_MS,
      ...transaction
    } = options;
    if (name === '') throw new TypeError('A workflow needs a name');
    if (this.#definitions.has(name)) throw new TypeError(`There is a workflow named ${name} already`);
    if (callbackUrl === undefined)
      throw new TypeError(`Workflow ${name} needs a callbackUrl, where the coordinator reaches this service`);
    if (isGrpcUrl(callbackUrl) && !METADATA.test(name))
      throw new TypeError(`Workflow ${name} is called back over gRPC, which carries printable ASCII only: rename it`);
    // NaN would be recorded as null, so that no other process could continue the workflow.
    if (!Number.isFinite(version))
      throw new TypeError(`version of workflow ${name} is ${String(version)}: it takes a number, such as 1`);
    for (const [option, ms] of Object.entries({ longestStepMs, longestPreparedMs }))
      if (!(ms >= 0))
        throw new TypeError(`${option} of workflow ${name} is ${ms}: it takes a number of ms, at least 0`);
    const definition = {
      name,
      version,
      code: code as WorkflowCode<unknown, unknown>,
      options: transaction,
      longestStepMs,
      longestPreparedMs,
    };
    this.#definitions.set(name, definition);
    const run = async (input: Input, runOptions?: RunOptions) =>
      (await this.#start(definition, callbackUrl, input, runOptions)) as Output;
    return { name, version, run };
  }

  /**
   * Serves a callback: runs the transaction from its recorded progress.
   *
   * @throws {BranchOngoing} the run continues in this process
   */
  async callback({ gid, op, payload }: BranchCallContext): Promise<void> {
    const definition = this.#definitions.get(op);
    if (definition === undefined)
      throw new Error(`no workflow named ${op} is defined in this process: define it before callbacks are served`);
    if (this.#running.has(gid)) throw new BranchOngoing('it is running in this process');
    if (this.#context.work?.isOpen === false) throw new BranchOngoing('this process is shutting down');
    const input = payload ?? undefined;
    const isStopped = this.#isStopped;
    const conduct = (api: Api): Promise<Result> => new Conductor({ api, definition, gid, input, isStopped }).run();
    const running = this.#run(definition, gid, textOf(payload), conduct);
    const result = await within(CALL_BACK_PATIENCE_MS, running);
    if (result === undefined) throw new BranchOngoing('it continues in this process');
    if (result.status === 'parked') throw result.error;
    if (result.status === 'prepared' || result.status === 'aborting') throw result.cause;
  }

  async #start(
    definition: Definition,
    callbackUrl: string,
    input: unknown,
    options: RunOptions = {},
  ): Promise<unknown> {
    checkWait(options);
    const { gid = newGid(), wait, signal } = options;
    assertJson('input', input);
    signal?.throwIfAborted();
    const running =
      this.#joined(gid, definition.name, input) ?? this.#begin(definition, callbackUrl, gid, input, options);
    const result = await unlessAborted(running, signal);
    const unfinished = result.status === 'prepared' || result.status === 'aborting';
    if (!unfinished || wait === undefined || wait === false) return this.#valueOrThrow(gid, result);
    const timeoutMs = wait === true ? this.#context.waitTimeoutMs : wait.timeoutMs;
    return this.#valueOrThrow(gid, await this.#awaitEnd(gid, result, timeoutMs, options));
  }

  #begin(
    definition: Definition,
    callbackUrl: string,
    gid: string,
    input: unknown,
    { signal, callTimeoutMs, gid: given }: RunOptions,
  ): Promise<Result> {
    const isStopped = this.#isStopped;
    // Every run of the code receives the same input as later runs: the one that JSON preserves.
    const text = textOf(input);
    const json: unknown = JSON.parse(text);
    const conduct = async (heartbeatApi: Api): Promise<Result> => {
      const api = limited(heartbeatApi, callTimeoutMs);
      const body = {
        gid,
        pattern: 'workflow',
        workflow: { name: definition.name, input: json },
        queryPrepared: callbackUrl,
        ...wireOptions(definition.options),
      } as const;
      const response = await api.createTransaction({ body }, { signal });
      if (!response.ok) throw response.rejection;
      // Under a generated gid nothing can be recorded yet.
      const progress = given === undefined && response.value.status === 'prepared' ? NO_PROGRESS : undefined;
      const conductor = new Conductor({ api, definition, gid, input: json ?? undefined, progress, signal, isStopped });
      return conductor.run().catch((error: unknown) => {
        throw inDoubt(error);
      });
    };
    return this.#run(definition, gid, text, conduct);
  }

  /**
   * The run of this transaction that is in progress in this process. Rejects a request that the
   * coordinator would reject: the outcome of that run would not be the outcome of this request.
   */
  #joined(gid: string, name: string, input: unknown): Promise<Result> | undefined {
    const running = this.#running.get(gid);
    if (running === undefined) return undefined;
    const refused = (what: string, field: string) =>
      new RequestRejected('exists', `gid ${gid} belongs to ${what}`, { gid, field });
    if (running.name !== name) throw refused(`a workflow named ${running.name}`, 'name');
    if (running.input !== textOf(input)) throw refused(`a ${name} with another input`, 'input');
    return running.ended;
  }

  async #run(
    { name, longestStepMs }: Definition,
    gid: string,
    input: string,
    conduct: (api: Api) => Promise<Result>,
  ): Promise<Result> {
    const { work } = this.#context;
    work?.assertOpen(gid);
    const heartbeat = this.#heartbeats.begin(gid, longestStepMs);
    const run = () => conduct(heartbeat.api);
    const ended = work === undefined ? run() : work.run(gid, run);
    this.#running.set(gid, { name, input, ended });
    try {
      return await ended;
    } finally {
      heartbeat.stop();
      this.#running.delete(gid);
    }
  }

  /** Waits until callbacks have finished the transaction. */
  async #awaitEnd(gid: string, before: Result, timeoutMs: number, options: CallOptions): Promise<Result> {
    const untilMs = waitEnd(deadlineIn(timeoutMs), options.callTimeoutMs);
    try {
      const details = await waitUntilFinal(this.#context.api, gid, untilMs, callEnd(options));
      return isFinal(details.status) ? resultOf(details, before) : before;
    } catch (error) {
      if (error instanceof DeadlineExceeded && options.callTimeoutMs !== undefined) return before;
      throw inDoubt(error);
    }
  }

  #valueOrThrow(gid: string, result: Result): unknown {
    const details = reader(this.#context.api, gid);
    switch (result.status) {
      case 'succeed':
        return result.value;
      case 'failed':
      case 'aborting': {
        const options = result.cause === undefined ? undefined : { cause: result.cause };
        throw new TransactionFailed(gid, result.status, readableReason(result.reason), details, options);
      }
      case 'stopped':
        throw new TransactionStopped(gid, result.reason, details, { cause: result.cause });
      case 'prepared':
        throw new TransactionPending(gid, 'prepared', result.reason, details, { cause: result.cause });
      case 'parked':
        throw result.error;
    }
  }
}

function resultOf({ status, result, rollbackReason, stopped }: TransactionDetails, before: Result): Result {
  if (status === 'succeed') return { status, value: decode(result) };
  const cause = before.status === 'aborting' ? { cause: before.cause } : {};
  if (stopped !== '') return { status: 'stopped', reason: stopped, ...cause };
  return { status: 'failed', reason: rollbackReason, ...cause };
}
