import { setImmediate } from 'node:timers/promises';
import { type BranchRegistrationRequest, type Op, readableThrown } from '@holdfast/protocol';
import type { Api, InitiatorCall } from './api/api.ts';
import { unlessAborted } from './api/unless-aborted.ts';
import { bodyOrThrow } from './branch-response.ts';
import type { BranchIds } from './branch-ids.ts';
import type { FirstPhaseEnd, TwoPhaseOptions } from './first-phase.ts';
import { handled } from './handled.ts';
import { DEFAULT_BRANCH_TIMEOUT_MS } from './transaction-options.ts';

export interface FirstPhaseWorkOptions {
  readonly api: Api;
  readonly gid: string;
  readonly pattern: 'tcc' | 'xa';
  readonly ids: BranchIds;
  readonly options: TwoPhaseOptions;
}

/** One branch of a first phase: its registration for the second phase, and the call to make now. */
export interface FirstPhaseCall {
  readonly op: Op;
  readonly url: string;
  readonly payload: unknown;
  readonly requestTimeoutMs: number | undefined;
  readonly query?: Readonly<Record<string, string>>;
  readonly registration: (branchId: string) => BranchRegistrationRequest;
  /**
   * Completes the registration, once the whole work has succeeded; absent: `registration` is
   * complete.
   */
  readonly completion?: (branchId: string) => BranchRegistrationRequest;
  /** For coordinators of the previous version, which reject unknown fields. */
  readonly earlierRegistration?: (branchId: string) => BranchRegistrationRequest;
  readonly earlierCompletion?: (branchId: string) => BranchRegistrationRequest;
  /** Reads the response, or resolves to what it reads. If it throws, the call fails. */
  readonly parse: ((response: unknown) => unknown) | undefined;
}

/**
 * The first phase of one tcc or xa: registers each branch with the coordinator before it is called,
 * so that a rollback misses no branch that may have begun. A call that failed fails the work,
 * whether or not the application awaits it. States:
 *
 *     open       the work runs
 *     closed     the work returned: calls that it did not await may end, a new call fails the work
 *     ended      the branches are to be confirmed: a new call is rejected, with a warning
 *     abandoned  the work failed: a branch that is not called yet is never called
 */
export class FirstPhaseWork {
  readonly #o: FirstPhaseWorkOptions;
  readonly #running = new Set<Promise<unknown>>();
  readonly #completions: (() => Promise<void>)[] = [];
  /** Ids of the branches that were called. */
  readonly #called: string[] = [];
  #state: 'open' | 'closed' | 'ended' | 'abandoned' = 'open';
  #failed: { readonly thrown: unknown } | undefined;

  constructor(options: FirstPhaseWorkOptions) {
    this.#o = options;
  }

  /**
   * Settles when no call is running, so that no call arrives after the op that undoes it. An
   * aborted signal settles the promise although the work continues: later calls of the work are
   * rejected.
   */
  async run<T>(work: () => T | Promise<T>): Promise<FirstPhaseEnd<T>> {
    try {
      const value = await unlessAborted(startOf(work), this.#o.options.signal);
      this.#state = 'closed';
      await this.#settled();
      this.#throwFailure();
      for (const complete of this.#completions) await complete();
      this.#throwFailure();
      this.#state = 'ended';
      return { value, branches: this.#called };
    } catch (thrown) {
      this.#state = 'abandoned';
      await this.#settled();
      throw readableThrown(thrown);
    }
  }

  /**
   * Resolves to the response of the branch, as `parse` reads it.
   *
   * @param describe returns the branch; an error that it throws fails the call
   */
  call(describe: () => FirstPhaseCall): Promise<unknown> {
    const running = this.#state === 'open' ? this.#carryOut(describe) : this.#late();
    this.#running.add(running);
    const forget = () => void this.#running.delete(running);
    running.then(forget, forget);
    return handled(running);
  }

  /** Rejects a call of code that the work did not await. */
  #late(): Promise<never> {
    const error = this.#ended();
    if (this.#state === 'closed') this.#failed ??= { thrown: error };
    if (this.#state === 'ended') process.emitWarning(`${error.message}. This call was not made`, 'HoldfastWarning');
    return Promise.reject(error);
  }

  #throwFailure(): void {
    if (this.#failed !== undefined) throw this.#failed.thrown;
  }

  async #carryOut(describe: () => FirstPhaseCall): Promise<unknown> {
    const { api } = this.#o;
    try {
      const branch = describe();
      const call = this.#callOf(branch);
      this.#called.push(call.branchId);
      await this.#register(branch.registration(call.branchId), branch.earlierRegistration?.(call.branchId));
      const completion = branch.completion?.(call.branchId);
      if (completion !== undefined)
        this.#completions.push(() => this.#register(completion, branch.earlierCompletion?.(call.branchId)));
      if (this.#state === 'abandoned') throw this.#ended();
      const body = bodyOrThrow(call, await api.callBranch(call));
      return branch.parse === undefined ? body : await branch.parse(body);
    } catch (cause) {
      const thrown = readableThrown(cause);
      this.#failed ??= { thrown };
      throw thrown;
    }
  }

  async #register(registration: BranchRegistrationRequest, earlier?: BranchRegistrationRequest): Promise<void> {
    const { api, gid, options } = this.#o;
    const register = (request: BranchRegistrationRequest) =>
      api.registerBranch({ gid, body: request }, { signal: options.signal });
    let response = await register(registration);
    if (!response.ok && response.rejection.rejection === 'invalid' && earlier !== undefined)
      response = await register(earlier);
    if (!response.ok) throw response.rejection;
  }

  #callOf({ op, url, payload, requestTimeoutMs: ownTimeoutMs, query }: FirstPhaseCall): InitiatorCall {
    const { gid, pattern, ids, options } = this.#o;
    const { requestTimeoutMs, branchHeaders = {}, signal } = options;
    return {
      gid,
      pattern,
      branchId: ids.next(),
      op,
      url,
      payload,
      headers: branchHeaders,
      ...(query === undefined ? {} : { query }),
      timeoutMs: ownTimeoutMs ?? requestTimeoutMs ?? DEFAULT_BRANCH_TIMEOUT_MS,
      signal,
    };
  }

  /**
   * Failures are noted where they occur. Code that awaits a call continues before this resolves.
   */
  async #settled(): Promise<void> {
    while (this.#running.size > 0) {
      await Promise.allSettled(this.#running);
      await setImmediate();
    }
  }

  #ended(): TypeError {
    const { pattern, gid } = this.#o;
    return new TypeError(`The work of ${pattern} ${gid} has ended: what is called in it must be awaited within it`);
  }
}

/** Converts a synchronous throw to a rejection. */
async function startOf<T>(work: () => T | Promise<T>): Promise<T> {
  return work();
}
