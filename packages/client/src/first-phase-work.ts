import type { BranchRegistrationRequest, Op } from '@holdfast/protocol';
import type { Api, InitiatorCall } from './api/api.ts';
import { bodyOrThrow } from './branch-answer.ts';
import type { BranchIds } from './branch-ids.ts';
import type { FirstPhaseEnd, TwoPhaseOptions } from './first-phase.ts';
import { assertJson } from './json-value.ts';
import { DEFAULT_BRANCH_TIMEOUT_MS } from './transaction-options.ts';

export interface FirstPhaseWorkOptions {
  readonly api: Api;
  readonly gid: string;
  readonly pattern: 'tcc' | 'xa';
  readonly ids: BranchIds;
  readonly options: TwoPhaseOptions;
}

/** One branch of a first phase: what is registered for its second phase, and the call to make now. */
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
  /** For coordinators of the version before, which reject what they do not know. */
  readonly earlierRegistration?: (branchId: string) => BranchRegistrationRequest;
  /** Reads the answer. What it throws fails the call. */
  readonly parse: ((answer: unknown) => unknown) | undefined;
}

/**
 * The first phase of one tcc or xa: registers each branch with the coordinator before it is called, so that what may have begun is never missed when it is
 * rolled back. `open` while the work runs; `closed` when it returned: what it did not wait for may end, nothing new begins; `given up` when it threw: what
 * is not called yet is not called any more.
 */
export class FirstPhaseWork {
  readonly #o: FirstPhaseWorkOptions;
  readonly #running = new Set<Promise<unknown>>();
  readonly #completions: BranchRegistrationRequest[] = [];
  /** Ids of the branches that were called. */
  readonly #called: string[] = [];
  #state: 'open' | 'closed' | 'given up' = 'open';
  #failed: { readonly thrown: unknown } | undefined;

  constructor(options: FirstPhaseWorkOptions) {
    this.#o = options;
  }

  /** Ends when no call is running any more, so that none arrives behind what undoes it. */
  async run<T>(work: () => T | Promise<T>): Promise<FirstPhaseEnd<T>> {
    try {
      const value = await work();
      this.#state = 'closed';
      await this.#settled();
      if (this.#failed !== undefined) throw this.#failed.thrown;
      for (const completion of this.#completions) await this.#register(completion);
      return { value, branches: this.#called };
    } catch (thrown) {
      this.#state = 'given up';
      await this.#settled();
      throw thrown;
    }
  }

  /** Gives what the branch answered, as `parse` reads it. */
  async call(branch: FirstPhaseCall): Promise<unknown> {
    if (this.#state !== 'open') throw this.#ended();
    const running = this.#carryOut(branch);
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
    }
  }

  async #carryOut(branch: FirstPhaseCall): Promise<unknown> {
    const { api } = this.#o;
    try {
      assertJson('payload', branch.payload);
      const call = this.#callOf(branch);
      this.#called.push(call.branchId);
      await this.#register(branch.registration(call.branchId), branch.earlierRegistration?.(call.branchId));
      if (branch.completion !== undefined) this.#completions.push(branch.completion(call.branchId));
      if (this.#state === 'given up') throw this.#ended();
      const body = bodyOrThrow(call, await api.callBranch(call));
      return branch.parse === undefined ? body : branch.parse(body);
    } catch (thrown) {
      this.#failed ??= { thrown };
      throw thrown;
    }
  }

  async #register(registration: BranchRegistrationRequest, earlier?: BranchRegistrationRequest): Promise<void> {
    const { api, gid, options } = this.#o;
    const register = (request: BranchRegistrationRequest) =>
      api.registerBranch(gid, request, { signal: options.signal });
    let answer = await register(registration);
    if (!answer.ok && answer.rejection.rejection === 'invalid' && earlier !== undefined)
      answer = await register(earlier);
    if (!answer.ok) throw answer.rejection;
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

  /** Those that fail are noted where they do. */
  async #settled(): Promise<void> {
    await Promise.allSettled(this.#running);
  }

  #ended(): TypeError {
    const { pattern, gid } = this.#o;
    return new TypeError(`The work of ${pattern} ${gid} has ended: what is called in it must be awaited within it`);
  }
}
