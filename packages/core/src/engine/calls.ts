import {
  type BranchResult,
  branchResult,
  CHECK_BRANCH_ID,
  SUCCESS,
  textOfThrown,
  type TraceContext,
} from '@holdfast/protocol';
import type { EngineOptions } from './engine-options.ts';
import type { BranchCaller, BranchRequest, Clock } from '../environment.ts';
import { checksIn } from '../patterns/check.ts';
import type { Branch, Transaction } from '../patterns/model.ts';
import type { EngineObserver } from '../observer.ts';
import { type CallBatch, type Destinations, SLICE } from './destinations.ts';

interface CallsDependencies {
  readonly caller: BranchCaller;
  readonly destinations: Destinations;
  readonly clock: Clock;
  readonly observer: EngineObserver;
  readonly options: EngineOptions;
}

/**
 * `withdrawn`: a decision made the call unnecessary while it waited for its turn. `void`: this node
 * no longer drives the run.
 */
export type Permit = 'granted' | 'withdrawn' | 'void';

/**
 * The result of a call that was not made because a decision made it unnecessary while it waited for
 * its turn.
 */
const WITHDRAWN: BranchResult = { kind: 'UNKNOWN', reason: 'needless after the decision', deferred: true };

/** The result of a call that was not made because too many calls wait for the same destination. */
const DEFERRED: BranchResult = {
  kind: 'UNKNOWN',
  reason: 'too many calls wait for this destination',
  deferred: true,
};

/** Receives the results of calls. */
export interface CallListener {
  /** A branch, or the client (`check`), has responded. */
  readonly responded: (index: number | 'check', result: BranchResult, durationMs: number) => void;
  /** Calls were not made. `againInMs` is 0 if a decision has made them unnecessary. */
  readonly deferred: (indices: readonly (number | 'check')[], result: BranchResult, againInMs: number) => void;
}

/**
 * Counts the calls of one run that were sent and have not returned, whether or not the run still
 * exists.
 */
export interface InFlight {
  calls: number;
  /** Each is called once, in order, when the last of the calls has returned. */
  onNone: (() => void)[];
}

/**
 * The calls that one step starts. `permit` is consulted before each call; if it returns `void`, no
 * result is reported.
 */
interface Start {
  readonly transaction: Transaction;
  readonly inFlight: InFlight;
  readonly permit: () => Permit;
  readonly listener: CallListener;
}

/** A transaction with more ops than this has its results delivered a few at a time. */
const LONG = 100;
/**
 * Ops that the results delivered in one turn may walk through: processing a result takes 25 ns for
 * each op of its transaction.
 */
const OPS_IN_TURN = 16_000;
/** URLs that are parsed in one turn: a URL not seen before takes 10 µs. */
const URLS_IN_TURN = 128;
/** How long a call is postponed if its caller had no connection for it. */
const NO_CONNECTION_MS = 1_000;

/** A result waiting for its turn, with the number of ops of its transaction. */
interface Paced {
  readonly ops: number;
  readonly deliver: () => void;
}

/** Turns effects into calls to branches and clients, within the bounds per destination. */
export class Calls {
  readonly #d: CallsDependencies;
  /** Results that wait for their turn. */
  readonly #paced: Paced[] = [];
  /** Ops of the results that were paced and delivered since the last turn. */
  #inTurn = 0;

  constructor(dependencies: CallsDependencies) {
    this.#d = dependencies;
  }

  /** Calls ops in slices, so that a step with many ops does not delay other events. */
  branches(start: Start, indices: readonly number[]): void {
    if (indices.length === 1) return this.#single(start, indices[0] ?? 0);
    this.#group(start, indices, 0, new Map());
  }

  #group(start: Start, indices: readonly number[], from: number, byDestination: Map<string, number[]>): void {
    const to = Math.min(indices.length, from + URLS_IN_TURN);
    for (let i = from; i < to; i++) {
      const index = indices[i] ?? 0;
      const { url } = branchAt(start.transaction, index);
      const destination = url === '' ? '' : this.#destinationOf(url);
      const known = byDestination.get(destination);
      if (known === undefined) byDestination.set(destination, [index]);
      else known.push(index);
    }
    if (to === indices.length) return this.#slice(start, [...byDestination], 0);
    this.#d.clock.setTimer(0, () => this.#group(start, indices, to, byDestination));
  }

  /**
   * Calls the client: the check-back of a message, the callback of a workflow (protocol page, "What
   * each pattern does").
   */
  check(start: Start): void {
    this.#enter(start, this.#destinationOf(start.transaction.definition.queryPrepared), ['check']);
  }

  #single(start: Start, index: number): void {
    const { url } = branchAt(start.transaction, index);
    if (url === '') return this.#done(start, index);
    this.#enter(start, this.#destinationOf(url), [index]);
  }

  #slice(start: Start, groups: readonly (readonly [string, readonly number[]])[], from: number): void {
    let started = 0;
    for (let i = from; i < groups.length; i++) {
      if (started >= SLICE) return void this.#d.clock.setTimer(0, () => this.#slice(start, groups, i));
      const [destination, indices] = groups[i] ?? ['', []];
      started += Math.min(indices.length, SLICE);
      if (destination === '') for (const index of indices) this.#done(start, index);
      else this.#enter(start, destination, indices);
    }
  }

  /** An op without a URL has succeeded at once. */
  #done({ transaction, listener }: Start, index: number): void {
    this.#pace(transaction, () => listener.responded(index, SUCCESS, 0));
  }

  /**
   * Delivers a result, now or in a later turn. Processing a result of a long transaction takes so
   * much time that many in a row would block other events, and the results of ops without a URL
   * arrive all at once.
   */
  #pace({ branches }: Transaction, deliver: () => void): void {
    const ops = Math.max(branches.length, OPS_IN_TURN / SLICE);
    if (this.#paced.length > 0 || this.#inTurn >= OPS_IN_TURN) return void this.#paced.push({ ops, deliver });
    if (this.#inTurn === 0) this.#d.clock.setTimer(0, () => this.#nextTurn());
    this.#inTurn += ops;
    deliver();
  }

  #nextTurn(): void {
    let [count, ops] = [0, 0];
    while (ops < OPS_IN_TURN && count < this.#paced.length) ops += this.#paced[count++]?.ops ?? 0;
    const delivered = this.#paced.splice(0, count);
    this.#inTurn = 0;
    if (count === 0) return;
    this.#inTurn = OPS_IN_TURN;
    this.#d.clock.setTimer(0, () => this.#nextTurn());
    for (const { deliver } of delivered) deliver();
  }

  #enter(start: Start, destination: string, indices: readonly (number | 'check')[]): void {
    const { destinations } = this.#d;
    let next = 0;
    const batch: CallBatch = {
      left: indices.length,
      running: 0,
      startNext: () => {
        const permitted = start.permit();
        if (permitted === 'granted') {
          const index = indices[next++];
          if (index !== undefined) this.#call(start, destination, batch, index);
          return index !== undefined;
        }
        if (permitted === 'withdrawn') start.listener.deferred(indices.slice(next), WITHDRAWN, 0);
        return false;
      },
    };
    const againInMs = destinations.enter(destination, batch);
    if (againInMs > 0) start.listener.deferred(indices, DEFERRED, againInMs);
  }

  #call(
    { transaction, inFlight, listener }: Start,
    destination: string,
    batch: CallBatch,
    index: number | 'check',
  ): void {
    const { destinations, clock, observer } = this.#d;
    const request = index === 'check' ? this.#question(transaction) : this.#request(transaction, index);
    const startedMs = clock.monotonicMs();
    inFlight.calls++;
    const ended = (result: BranchResult): void => {
      const durationMs = clock.monotonicMs() - startedMs;
      inFlight.calls--;
      destinations.leave(destination, batch, durationMs);
      if (result.deferred === true) {
        listener.deferred([index], result, NO_CONNECTION_MS);
        return none(inFlight);
      }
      observer.branchResponded(request.pattern, result.kind, durationMs);
      const responded = (): void => listener.responded(index, result, Math.round(durationMs));
      if (transaction.branches.length <= LONG) responded();
      else this.#pace(transaction, responded);
      none(inFlight);
    };
    this.#send(request).then(ended, (error: unknown) => ended(threw(error)));
  }

  /** A branch caller must not throw. If one does, whether the branch was called is unknown. */
  #send(request: BranchRequest): Promise<BranchResult> {
    try {
      return this.#d.caller.call(request);
    } catch (error) {
      return Promise.resolve(threw(error));
    }
  }

  #destinationOf(url: string): string {
    try {
      return this.#d.caller.destinationOf(url);
    } catch {
      // The call fails for the same reason, and its result states the reason.
      return 'unknown';
    }
  }

  #question(transaction: Transaction): BranchRequest {
    const { pattern, workflowName, workflowData, queryPrepared } = transaction.definition;
    const op = pattern === 'workflow' ? workflowName : 'msg';
    const attempt = checksIn(transaction.state) + 1;
    return this.#requestOf(transaction, CHECK_BRANCH_ID, op, attempt, queryPrepared, workflowData, 0);
  }

  #request(transaction: Transaction, index: number): BranchRequest {
    const { branchId, op, url, payload, requestTimeoutMs } = branchAt(transaction, index);
    const attempt = (transaction.state.branches[index]?.attempts ?? 0) + 1;
    return this.#requestOf(transaction, branchId, op, attempt, url, payload, requestTimeoutMs);
  }

  /** Without spread, for speed: this runs for each call. */
  #requestOf(
    transaction: Transaction,
    branchId: string,
    op: string,
    attempt: number,
    url: string,
    payload: Uint8Array,
    branchTimeoutMs: number,
  ): BranchRequest {
    const { key, definition, options } = transaction;
    return {
      namespace: key.namespace,
      gid: key.gid,
      pattern: definition.pattern,
      branchId,
      op,
      attempt,
      url,
      protocol: definition.protocol,
      payload,
      alwaysPost: options.alwaysPost && branchId !== CHECK_BRANCH_ID,
      headers:
        definition.trace === undefined ? options.branchHeaders : withTrace(options.branchHeaders, definition.trace),
      timeoutMs: branchTimeoutMs || options.requestTimeoutMs || this.#d.options.requestTimeoutMs,
    };
  }
}

const OF_A_TRACE = /^trace(?:parent|state)$/i;

/**
 * The headers of a branch call with the trace in which the transaction was created, unchanged: the
 * coordinator records no spans, so the branch is a child of the caller's span. Headers of the
 * transaction that name a trace take precedence.
 */
function withTrace(headers: BranchRequest['headers'], trace: TraceContext): BranchRequest['headers'] {
  for (const name in headers) if (OF_A_TRACE.test(name)) return headers;
  return { ...headers, ...trace };
}

function none(inFlight: InFlight): void {
  if (inFlight.calls > 0 || inFlight.onNone.length === 0) return;
  for (const callback of inFlight.onNone.splice(0)) callback();
}

function branchAt(transaction: Transaction, index: number): Branch {
  const branch = transaction.branches[index];
  if (branch === undefined) throw new RangeError(`no branch with index ${index}`);
  return branch;
}

const threw = (error: unknown): BranchResult =>
  branchResult('UNKNOWN', `the branch could not be called: ${textOfThrown(error)}`);
