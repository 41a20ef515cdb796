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

/** What a call needs: a request of the engine is one. */
export type LocalRequest = Pick<
  BranchRequest,
  'gid' | 'pattern' | 'branchId' | 'op' | 'payload' | 'headers' | 'timeoutMs'
>;

export interface LocalAnswer {
  readonly result: BranchResult;
  /** What the function returned; undefined unless it is SUCCESS. */
  readonly value: unknown;
}

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

  has(name: string): boolean {
    return this.#branches.has(name);
  }

  /** Calls the function of that name; settles within the request's time. */
  async call(name: string, request: LocalRequest): Promise<BranchResult> {
    return (await this.ask(name, request)).result;
  }

  /** As `call`, with what the function returned. */
  ask(name: string, request: LocalRequest): Promise<LocalAnswer> {
    const branch = this.#branches.get(name);
    if (branch === undefined)
      return Promise.resolve(unknown(`no local branch named ${name} is registered in this process`));
    return new Promise((resolve) => {
      const call = new Call(request);
      const deadline = setTimeout(
        () => {
          resolve(unknown(`no answer within ${request.timeoutMs} ms`));
          call.end();
        },
        Math.min(request.timeoutMs, LONGEST_TIMER_MS),
      );
      const answered = (answer: LocalAnswer): void => {
        clearTimeout(deadline);
        resolve(answer);
      };
      void run(branch, call).then(answered);
    });
  }
}

async function run(branch: LocalBranch, call: LocalCall): Promise<LocalAnswer> {
  try {
    return { result: SUCCESS, value: await branch(call) };
  } catch (thrown) {
    return { result: resultOfThrown(thrown), value: undefined };
  }
}

const unknown = (reason: string): LocalAnswer => ({ result: branchResult('UNKNOWN', reason), value: undefined });

/** Most functions are done long before their time is over and never look at the signal: it is made when somebody asks for it. */
class Call implements LocalCall {
  readonly gid: string;
  readonly pattern: BranchRequest['pattern'];
  readonly branchId: string;
  readonly op: string;
  readonly payload: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
  #ended = false;
  #abort: AbortController | undefined;

  constructor({ gid, pattern, branchId, op, payload, headers }: LocalRequest) {
    this.gid = gid;
    this.pattern = pattern;
    this.branchId = branchId;
    this.op = op;
    this.payload = payload;
    this.headers = headers;
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
