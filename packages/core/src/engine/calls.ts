import { type BranchResult, CHECK_BRANCH_ID, SUCCESS } from '@holdfast/protocol';
import type { EngineOptions } from '../engine-options.ts';
import type { BranchCaller, BranchRequest, Clock } from '../environment.ts';
import type { Transaction } from '../model.ts';
import type { EngineObserver } from '../observer.ts';
import type { Destinations } from './destinations.ts';
import { DEFERRED, WITHDRAWN } from './run.ts';

interface CallsDependencies {
  readonly caller: BranchCaller;
  readonly destinations: Destinations;
  readonly clock: Clock;
  readonly observer: EngineObserver;
  readonly options: EngineOptions;
}

/** `withdrawn`: a decision made the call needless while it waited for its place. `void`: this node has nothing to do with it any more. */
export type Permit = 'granted' | 'withdrawn' | 'void';

type Done = (result: BranchResult, durationMs: number) => void;

/** Turns effects into calls: what is sent to a branch or a client, within the bounds per destination. */
export class Calls {
  readonly #d: CallsDependencies;

  constructor(dependencies: CallsDependencies) {
    this.#d = dependencies;
  }

  /** Calls one op. `permit` is asked at the last moment; when it says `void`, `done` is not called. */
  branch(transaction: Transaction, index: number, permit: () => Permit, done: Done): void {
    const branch = transaction.branches[index];
    if (branch === undefined) throw new RangeError(`no branch with index ${index}`);
    if (branch.url === '') return done(SUCCESS, 0);
    this.#send(
      this.#request(transaction, branch.branchId, branch.op, branch.url, branch.payload, branch.requestTimeoutMs),
      permit,
      done,
    );
  }

  /** Asks the client: the check-back of a message, the call-back of a workflow (protocol page, "What each pattern does"). */
  check(transaction: Transaction, permit: () => Permit, done: Done): void {
    const { pattern, workflowName, workflowData, queryPrepared } = transaction.definition;
    const op = pattern === 'workflow' ? workflowName : 'msg';
    this.#send(this.#request(transaction, CHECK_BRANCH_ID, op, queryPrepared, workflowData, 0), permit, done);
  }

  /** Spelled out, not spread: this runs for each call. */
  #request(
    transaction: Transaction,
    branchId: string,
    op: string,
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
      url,
      protocol: definition.protocol,
      payload,
      headers: options.branchHeaders,
      timeoutMs: branchTimeoutMs || options.requestTimeoutMs || this.#d.options.requestTimeoutMs,
    };
  }

  #send(request: BranchRequest, permit: () => Permit, done: Done): void {
    const { caller, destinations, clock, observer } = this.#d;
    const destination = caller.destinationOf(request.url);
    const entered = destinations.enter(destination, () => {
      const permitted = permit();
      if (permitted !== 'granted') {
        destinations.leave(destination);
        if (permitted === 'withdrawn') done(WITHDRAWN, 0);
        return;
      }
      const startedMs = clock.monotonicMs();
      void caller.call(request).then((result) => {
        const durationMs = clock.monotonicMs() - startedMs;
        destinations.leave(destination);
        observer.branchAnswered(request.pattern, result.kind, durationMs);
        done(result, Math.round(durationMs));
      });
    });
    if (!entered) done(DEFERRED, 0);
  }
}
