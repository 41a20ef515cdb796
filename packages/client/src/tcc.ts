import { randomBytes } from 'node:crypto';
import { RUN_PARAMETER } from '@holdfast/protocol';
import type { Api } from './api/api.ts';
import { type BranchTarget, urlOf, type WithPayload } from './branch-declaration.ts';
import { BranchIds } from './branch-ids.ts';
import { type FirstPhaseEnd, joined, type TwoPhaseOptions, withPrepared } from './first-phase.ts';
import { type FirstPhaseCall, FirstPhaseWork } from './first-phase-work.ts';
import { newGid } from './gid.ts';
import { handled } from './handled.ts';
import { currentBranch, endedBranch } from './participants/branch-context.ts';
import type { BranchCallContext } from './participants/call.ts';
import { joinedWorkOf } from './participants/joined-work.ts';
import type { SubmissionContext } from './submission.ts';
import type { BranchCallOptions } from './transaction-options.ts';

/**
 * One branch of a tcc. The payload is sent to all three; declarations (`declareBranch`) give it its
 * type.
 */
export type TccBranch<Payload = unknown, Answer = unknown> = TccBranches<Payload, Answer> & WithPayload<Payload>;

/** `requestTimeoutMs` is that of the try; confirm and cancel take the transaction's. */
interface TccBranches<Payload, Answer> extends BranchCallOptions {
  /**
   * Reserves, so that the reservation can be confirmed or cancelled later. Called once, by this
   * process.
   */
  readonly try: BranchTarget<Payload>;
  /** Makes the reservation final; repeated until it succeeds. `null`: there is nothing to do. */
  readonly confirm: BranchTarget<Payload> | null;
  /**
   * Cancels the reservation; also called if it is uncertain whether the try happened. `null`: there
   * is nothing to do.
   */
  readonly cancel: BranchTarget<Payload> | null;
  /** Validates the response of the try and determines its type, for example a schema's `parse`. */
  readonly parse?: (answer: unknown) => Answer;
}

/** A running tcc, as its work sees it. */
export interface Tcc {
  readonly gid: string;
  /**
   * Registers a branch with the coordinator and calls its try; several may run at once. A branch
   * that did not succeed cannot be made up for: once a call has failed the transaction is
   * cancelled, also when the error was caught or the promise is never awaited, since its confirm
   * would be called with those of the others.
   *
   * @returns what the try's handler returned; of a participant that does not use this SDK: what it
   * answered, its JSON, else its text
   * @throws {BranchFailure} the try refused
   * @throws {BranchOngoing | BranchUnknown} it gave no answer that decides anything
   * @throws {RequestRejected} the transaction takes no branches any more (its time is over, it was
   * aborted), or a field is wrong
   * @throws {CoordinatorUnreachable | UnexpectedResponse} the branch could not be registered; its try
   * was not called
   * @throws {TypeError} the work has ended already
   */
  call<Payload = unknown, Answer = unknown>(branch: TccBranch<Payload, Answer>): Promise<Answer>;
}

export interface TccOptions extends TwoPhaseOptions {
  /** 128 characters at most; made here unless given. */
  readonly gid?: string;
  /**
   * Within the try of a tcc, be part of that transaction: its branches are confirmed or cancelled
   * with it, and the other options but `requestTimeoutMs`, `branchHeaders` and `signal` are those
   * of the whole. When its work throws, the whole is cancelled and the try fails, also when the
   * try's handler, or whoever called it, makes nothing of that. Default true; false begins a
   * transaction of its own.
   *
   * Once the try's handler has ended, code that the handler left behind (a promise that is not
   * awaited, a timer, a queue) cannot join: with `join` a `TypeError` is thrown, without it a
   * separate transaction begins.
   */
  readonly join?: boolean;
}

/** See `Holdfast.tcc`. */
export function runTcc<T>(
  context: SubmissionContext,
  callback: (tx: Tcc) => T | Promise<T>,
  options: TccOptions = {},
): Promise<T> {
  const outer = currentBranch();
  const isPart = options.join !== false && outer?.transType === 'tcc' && outer.op === 'try';
  return isPart ? runPart(context, outer, callback, options) : runWhole(context, callback, options);
}

async function runWhole<T>(
  context: SubmissionContext,
  callback: (tx: Tcc) => T | Promise<T>,
  { join = true, gid, ...own }: TccOptions,
): Promise<T> {
  if (join) refuseAfter(endedBranch());
  const run = randomBytes(12).toString('hex');
  const work = new TccWork(context.api, gid ?? newGid(), new BranchIds(), own, { run });
  return withPrepared(context, 'tcc', work.gid, own, () => work.run(callback), run);
}

/** A failure of it fails the try, whether or not the try's handler awaits it. */
function runPart<T>(
  context: SubmissionContext,
  outer: BranchCallContext,
  callback: (tx: Tcc) => T | Promise<T>,
  { gid, ...own }: TccOptions,
): Promise<T> {
  if (gid !== undefined)
    return Promise.reject(
      new TypeError(`Within a try of ${outer.gid} a tcc is part of it: one with a gid of its own needs join: false`),
    );
  const within = joinedWorkOf(outer);
  const part = (): Promise<T> => {
    const { ids, run, digest } = within;
    const work = new TccWork(context.api, outer.gid, ids, own, { run, digest });
    return joined(context, outer.gid, () => work.run(callback));
  };
  return handled(within.include(part));
}

/**
 * Code that a try's handler left behind can be part of its transaction no more: the try has
 * responded, and may have refused. Whether the code belongs to it, or was only started by it, as a
 * queue that serves other requests is, only its author knows.
 */
function refuseAfter(ended: BranchCallContext | undefined): void {
  if (ended?.transType !== 'tcc' || ended.op !== 'try') return;
  throw new TypeError(
    `The try of branch ${ended.branchId} of ${ended.gid} has ended: a tcc that code begins behind it cannot be part of it. Await the tcc in the handler; or, in a queue or timer that the handler started, pass join: false for a separate transaction`,
  );
}

/** The run that the work belongs to. */
interface TccRun {
  /** Empty: not known. */
  readonly run: string;
  /** Of the nested branches of work that is a part of a transaction which other code submits. */
  readonly digest?: string;
}

/** The branches of one call of `hf.tcc`. */
class TccWork implements Tcc {
  readonly gid: string;
  readonly #work: FirstPhaseWork;
  readonly #of: TccRun;

  constructor(api: Api, gid: string, ids: BranchIds, options: TccOptions, of: TccRun) {
    this.gid = gid;
    this.#of = of;
    this.#work = new FirstPhaseWork({ api, gid, pattern: 'tcc', ids, options });
  }

  run<T>(work: (tx: Tcc) => T | Promise<T>): Promise<FirstPhaseEnd<T>> {
    return this.#work.run(() => work(this));
  }

  call<Payload, Answer>(branch: TccBranch<Payload, Answer>): Promise<Answer> {
    return this.#work.call(() => this.#describe(branch)) as Promise<Answer>;
  }

  #describe<Payload, Answer>(branch: TccBranch<Payload, Answer>): FirstPhaseCall {
    const { confirm, cancel, ...urls } = urlsOf(branch);
    const { payload, requestTimeoutMs } = branch;
    const { run, digest } = this.#of;
    const earlier = { pattern: 'tcc', cancel, ...(payload === undefined ? {} : { payload }) } as const;
    const common = { ...earlier, ...(digest === undefined ? {} : { digest }) };
    const complete = (branchId: string) => ({ ...common, branchId, confirm });
    return {
      op: 'try',
      url: urls.try,
      payload,
      requestTimeoutMs,
      parse: branch.parse,
      ...(run === '' ? {} : { query: { [RUN_PARAMETER]: run } }),
      // A confirm exists only once the whole part has succeeded: the code between here and the
      // initiator may ignore its failure, and the command to abort may not arrive.
      ...(digest === undefined
        ? { registration: complete }
        : {
            registration: (branchId) => ({ ...common, branchId }),
            completion: complete,
            earlierRegistration: (branchId) => ({ ...earlier, branchId }),
            earlierCompletion: (branchId) => ({ ...earlier, branchId, confirm }),
          }),
    };
  }
}

interface Urls {
  readonly try: string;
  /** Empty: there is nothing to do. */
  readonly confirm: string;
  readonly cancel: string;
}

const urlsOf = <Payload>(branch: TccBranches<Payload, unknown>): Urls => ({
  try: urlOf(branch.try),
  confirm: branch.confirm === null ? '' : urlOf(branch.confirm),
  cancel: branch.cancel === null ? '' : urlOf(branch.cancel),
});
