import type { BranchRequest } from '@holdfast/core';
import { type BranchResult, branchResult, resultOfThrown, SUCCESS } from '@holdfast/protocol';
import { LONGEST_TIMER_MS } from '../event-loop/system-clock.ts';

/** One call of an in-process branch. */
export interface LocalCall {
  readonly gid: string;
  readonly pattern: BranchRequest['pattern'];
  readonly branchId: string;
  readonly op: string;
  readonly payload: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
  /** Query parameters that an initiator adds. */
  readonly query: Readonly<Record<string, string>> | undefined;
  /** Aborted when the call's timeout expires; the function's result is ignored afterwards. */
  readonly signal: AbortSignal;
  /** The payload as JSON; undefined if it is empty. */
  json(): unknown;
}

/**
 * An in-process branch. Returning is SUCCESS, throwing `BranchFailure` is FAILURE, `BranchOngoing`
 * is ONGOING, anything else UNKNOWN.
 */
export type LocalBranch = (call: LocalCall) => unknown;

/** The input of a call; an engine request has this type. */
export type LocalRequest = Pick<
  BranchRequest,
  'gid' | 'pattern' | 'branchId' | 'op' | 'payload' | 'headers' | 'timeoutMs'
> & { readonly query?: Readonly<Record<string, string>> };

export interface LocalResponse {
  readonly result: BranchResult;
  /** The value that the function returned; undefined unless the result is SUCCESS. */
  readonly value: unknown;
}

/** The functions that `local://NAME` calls. */
export class LocalBranches {
  readonly #branches = new Map<string, LocalBranch>();

  /** Throws `TypeError` if the name is empty or registered already. */
  register(name: string, branch: LocalBranch): void {
    if (name === '') throw new TypeError('a local branch needs a name');
    if (this.#branches.has(name)) throw new TypeError(`a local branch named ${name} is registered already`);
    this.#branches.set(name, branch);
  }

  unregister(name: string): void {
    this.#branches.delete(name);
  }

  has(name: string): boolean {
    return this.#branches.has(name);
  }

  /** Calls the function of that name; settles within the request's timeout. */
  async call(name: string, request: LocalRequest): Promise<BranchResult> {
    return (await this.callForValue(name, request)).result;
  }

  /** As `call`, with the function's return value. */
  callForValue(name: string, request: LocalRequest): Promise<LocalResponse> {
    const branch = this.#branches.get(name);
    if (branch === undefined)
      return Promise.resolve(unknown(`no local branch named ${name} is registered in this process`));
    return new Promise((resolve) => {
      const call = new Call(request);
      const deadline = setTimeout(
        () => {
          resolve(unknown(`no response within ${request.timeoutMs} ms`));
          call.end();
        },
        Math.min(request.timeoutMs, LONGEST_TIMER_MS),
      );
      const responded = (response: LocalResponse): void => {
        clearTimeout(deadline);
        resolve(response);
      };
      void run(branch, call).then(responded);
    });
  }
}

async function run(branch: LocalBranch, call: LocalCall): Promise<LocalResponse> {
  try {
    return { result: SUCCESS, value: await branch(call) };
  } catch (thrown) {
    return { result: resultOfThrown(thrown), value: undefined };
  }
}

const unknown = (reason: string): LocalResponse => ({ result: branchResult('UNKNOWN', reason), value: undefined });

/**
 * The signal is created on first use: most functions finish long before the timeout and never use
 * it.
 */
class Call implements LocalCall {
  readonly gid: string;
  readonly pattern: BranchRequest['pattern'];
  readonly branchId: string;
  readonly op: string;
  readonly payload: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>> | undefined;
  #ended = false;
  #abort: AbortController | undefined;

  constructor({ gid, pattern, branchId, op, payload, headers, query }: LocalRequest) {
    this.gid = gid;
    this.pattern = pattern;
    this.branchId = branchId;
    this.op = op;
    this.payload = payload;
    this.headers = headers;
    this.query = query;
  }

  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      if (this.#ended) this.#abort.abort();
    }
    return this.#abort.signal;
  }

  json(): unknown {
    const { buffer, byteOffset, byteLength } = this.payload;
    return byteLength === 0 ? undefined : JSON.parse(Buffer.from(buffer, byteOffset, byteLength).toString('utf8'));
  }

  end(): void {
    this.#ended = true;
    this.#abort?.abort();
  }
}
