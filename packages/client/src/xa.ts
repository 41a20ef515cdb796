import { createHash } from 'node:crypto';
import type { Api } from './api/api.ts';
import { type BranchTarget, urlOf, type WithPayload } from './branch-declaration.ts';
import { BranchIds } from './branch-ids.ts';
import { type FirstPhaseEnd, type TwoPhaseOptions, withPrepared } from './first-phase.ts';
import { type FirstPhaseCall, FirstPhaseWork } from './first-phase-work.ts';
import { newGid } from './gid.ts';
import type { SubmissionContext } from './submission.ts';
import type { BranchCallOptions } from './transaction-options.ts';

/**
 * One branch of an xa: a participant that does its work in an XA transaction of its database, and
 * is told at the same URL how it ends.
 */
export type XaBranch<Payload = unknown, Answer = unknown> = XaBranchUrl<Payload, Answer> & WithPayload<Payload>;

/** `requestTimeoutMs` is that of the action; commit and rollback take the transaction's. */
interface XaBranchUrl<Payload, Answer> extends BranchCallOptions {
  readonly url: BranchTarget<Payload>;
  /** Checks what the action answered and gives it its type, for example a schema's `parse`. */
  readonly parse?: (answer: unknown) => Answer;
}

/** A running xa, as its work sees it. */
export interface Xa {
  readonly gid: string;
  /**
   * Registers a branch with the coordinator and calls it: it does its work and prepares. Several
   * may run at once. Once a call has failed the transaction is rolled back, also when the error was
   * caught or the promise is never awaited.
   *
   * @returns what the branch answered: its JSON, else its text
   * @throws {BranchFailure} it refused
   * @throws {BranchOngoing | BranchUnknown} it gave no answer that decides anything
   * @throws {RequestRejected} the transaction takes no branches any more (its time is over, it was
   * aborted), or a field is wrong
   * @throws {CoordinatorUnreachable | UnexpectedResponse} the branch could not be registered; it was
   * not called
   * @throws {TypeError} the work has ended already
   */
  call<Payload = unknown, Answer = unknown>(branch: XaBranch<Payload, Answer>): Promise<Answer>;
}

export interface XaOptions extends TwoPhaseOptions {
  /**
   * 61 bytes at most, since databases limit the names of XA transactions; made here unless given.
   */
  readonly gid?: string;
}

/** Where dtm's participants register themselves, below the coordinator's own URL. */
const DTM_PREFIX = '/api/dtmsvr';

/**
 * Tells calls of one branch with other payloads apart, without a copy of the payload in the record.
 */
const digestOf = (payload: unknown): string =>
  createHash('sha256')
    .update(JSON.stringify(payload ?? null))
    .digest('hex');

/** See `Holdfast.xa`. */
export async function runXa<T>(
  context: SubmissionContext,
  callback: (tx: Xa) => T | Promise<T>,
  { gid = newGid(), ...options }: XaOptions = {},
): Promise<T> {
  const work = new XaWork(context.api, gid, options);
  return withPrepared(context, 'xa', gid, options, () => work.run(callback));
}

/** The branches of one call of `hf.xa`. */
class XaWork implements Xa {
  readonly gid: string;
  readonly #api: Api;
  readonly #work: FirstPhaseWork;

  constructor(api: Api, gid: string, options: TwoPhaseOptions) {
    this.gid = gid;
    this.#api = api;
    this.#work = new FirstPhaseWork({ api, gid, pattern: 'xa', ids: new BranchIds(), options });
  }

  run<T>(callback: (tx: Xa) => T | Promise<T>): Promise<FirstPhaseEnd<T>> {
    return this.#work.run(() => callback(this));
  }

  call<Payload, Answer>(branch: XaBranch<Payload, Answer>): Promise<Answer> {
    return this.#work.call(() => this.#describe(branch)) as Promise<Answer>;
  }

  #describe<Payload, Answer>(branch: XaBranch<Payload, Answer>): FirstPhaseCall {
    const url = urlOf(branch.url);
    return {
      op: 'action',
      url,
      payload: branch.payload,
      requestTimeoutMs: branch.requestTimeoutMs,
      query: this.#ownRegistration(url),
      parse: branch.parse,
      registration: (branchId) => ({ pattern: 'xa', branchId, url, digest: digestOf(branch.payload) }),
      earlierRegistration: (branchId) => ({ pattern: 'xa', branchId, url }),
    };
  }

  /**
   * dtm's participants register themselves, with the URL that they are told; that repeats what was
   * registered here. Registered by the initiator alone, a branch cannot be missed; and an action
   * that comes too late is refused its own registration.
   */
  #ownRegistration(url: string): Readonly<Record<string, string>> {
    const coordinator = this.#api.url;
    return { phase2_url: url, ...(coordinator === undefined ? {} : { dtm: coordinator + DTM_PREFIX }) };
  }
}
