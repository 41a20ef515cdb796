import type { BranchRequest } from '@holdfast/core';
import { type BranchResult, branchResult, resultOfThrown, SUCCESS } from '@holdfast/protocol';
import { LONGEST_TIMER_MS } from './system-clock.ts';

/** One call of an in-process branch. */
export interface LocalCall {
  readonly gid: string;
  readonly pattern: BranchRequest['pattern'];
  readonly branchId: string;
  readonly op: string;
  readonly payload: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
  /** Aborted when the call's time is over; what the function answers after that is not heard. */
  readonly signal: AbortSignal;
  /** The payload as JSON; undefined when it is empty. */
  json(): unknown;
}

/**
 * An in-process branch. Returning is SUCCESS, throwing `BranchFailure` FAILURE, `BranchOngoing` ONGOING, anything else UNKNOWN.
 */
export type LocalBranch = (call: LocalCall) => unknown;

/** The functions that `local://NAME` calls. */
export class LocalBranches {
  readonly #branches = new Map<string, LocalBranch>();

  /** Throws when the name is taken. */
  register(name: string, branch: LocalBranch): void {
    if (name === '') throw new TypeError('a local branch needs a name');
    if (this.#branches.has(name)) throw new TypeError(`a local branch named ${name} is registered already`);
    this.#branches.set(name, branch);
  }

  unregister(name: string): void {
    this.#branches.delete(name);
  }

  /** Calls the function of that name; settles within the request's time. */
  async call(name: string, request: BranchRequest): Promise<BranchResult> {
    const branch = this.#branches.get(name);
    if (branch === undefined)
      return branchResult('UNKNOWN', `no local branch named ${name} is registered in this process`);
    const abort = new AbortController();
    let deadline: NodeJS.Timeout | undefined;
    const late = new Promise<BranchResult>((resolve) => {
      deadline = setTimeout(
        () => {
          resolve(branchResult('UNKNOWN', `no answer within ${request.timeoutMs} ms`));
          abort.abort();
        },
        Math.min(request.timeoutMs, LONGEST_TIMER_MS),
      );
    });
    try {
      return await Promise.race([run(branch, request, abort.signal), late]);
    } finally {
      clearTimeout(deadline);
    }
  }
}

async function run(branch: LocalBranch, request: BranchRequest, signal: AbortSignal): Promise<BranchResult> {
  const { gid, pattern, branchId, op, payload, headers } = request;
  const json = (): unknown => (payload.length === 0 ? undefined : JSON.parse(new TextDecoder().decode(payload)));
  try {
    await branch({ gid, pattern, branchId, op, payload, headers, signal, json });
    return SUCCESS;
  } catch (thrown) {
    return resultOfThrown(thrown);
  }
}
