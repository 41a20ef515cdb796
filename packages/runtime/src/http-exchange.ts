import { type BranchResult, branchResult } from '@holdfast/protocol';
import type { Dispatcher } from 'undici';
import { LONGEST_TIMER_MS } from './system-clock.ts';

/** Reads a complete answer. `truncated`: the body was longer than `MAX_ANSWER_BYTES` and `body` is its beginning. */
export type AnswerReader = (status: number, body: string, truncated: boolean) => BranchResult;

export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers: readonly string[];
  readonly body: Uint8Array | string | null;
  /** For the whole exchange: waiting for a connection, connecting, sending, reading. */
  readonly timeoutMs: number;
}

/** Longest answer that is read whole; what comes after it is read and dropped. */
export const MAX_ANSWER_BYTES = 64 * 1024;

/**
 * One HTTP call over a dispatcher. Whatever happens becomes a result; the promise never rejects and settles within `timeoutMs`.
 * `onDone` is called once, when the dispatcher has finished with it.
 */
export function exchange(
  dispatcher: Dispatcher,
  request: HttpRequest,
  read: AnswerReader,
  onDone: () => void,
): Promise<BranchResult> {
  return new Promise((resolve) => {
    const call = new HttpExchange(request, read, resolve, onDone);
    dispatcher.dispatch(call, call);
  });
}

const onDeadline = (call: HttpExchange): void => call.timeOut();

/**
 * Options and handler of a dispatch in one object, so that a call is one allocation; undici's callbacks with raw headers, so that no headers are
 * parsed that nobody reads.
 */
class HttpExchange implements Dispatcher.DispatchOptions, Dispatcher.DispatchHandler {
  readonly path: string;
  readonly method: 'GET' | 'POST';
  readonly headers: string[];
  readonly body: Uint8Array | string | null;
  /** Undici's own time-outs are off: the deadline below covers more. */
  readonly headersTimeout = 0;
  readonly bodyTimeout = 0;

  private readonly timeoutMs: number;
  private readonly read: AnswerReader;
  private readonly resolve: (result: BranchResult) => void;
  private readonly onDone: () => void;
  private readonly deadline: NodeJS.Timeout;
  private abort: ((reason?: Error) => void) | undefined;
  private settled = false;
  private status = 0;
  private first: Buffer | undefined;
  private rest: Buffer[] | undefined;
  private bytes = 0;

  constructor(request: HttpRequest, read: AnswerReader, resolve: (result: BranchResult) => void, onDone: () => void) {
    this.path = request.path;
    this.method = request.method;
    this.headers = request.headers as string[];
    this.body = request.body;
    this.timeoutMs = request.timeoutMs;
    this.read = read;
    this.resolve = resolve;
    this.onDone = onDone;
    this.deadline = setTimeout(onDeadline, Math.min(request.timeoutMs, LONGEST_TIMER_MS), this);
  }

  timeOut(): void {
    this.settle(branchResult('UNKNOWN', `no answer within ${this.timeoutMs} ms`));
    // Not yet given a connection: `onConnect` refuses it then, and nothing is sent.
    this.abort?.(new Error('timed out'));
  }

  onConnect(abort: (reason?: Error) => void): void {
    if (this.settled) abort(new Error('timed out'));
    else this.abort = abort;
  }

  onHeaders(status: number): boolean {
    this.status = status;
    return true;
  }

  onData(chunk: Buffer): boolean {
    if (this.bytes < MAX_ANSWER_BYTES) {
      if (this.first === undefined) this.first = chunk;
      else (this.rest ??= []).push(chunk);
    }
    this.bytes += chunk.length;
    return true;
  }

  onComplete(): void {
    this.onDone();
    if (this.settled) return;
    const truncated = this.bytes > MAX_ANSWER_BYTES;
    this.settle(this.read(this.status, this.text(), truncated));
  }

  onError(error: Error): void {
    this.onDone();
    this.settle(branchResult('UNKNOWN', describeNetworkError(error)));
  }

  private text(): string {
    if (this.first === undefined) return '';
    const whole = this.rest === undefined ? this.first : Buffer.concat([this.first, ...this.rest]);
    return whole.toString('utf8', 0, MAX_ANSWER_BYTES);
  }

  private settle(result: BranchResult): void {
    if (this.settled) return;
    this.settled = true;
    clearTimeout(this.deadline);
    this.resolve(result);
  }
}

/** Several addresses tried in vain give an error with no message of its own. */
function describeNetworkError(error: Error): string {
  if (error instanceof AggregateError) {
    const inner: readonly unknown[] = error.errors;
    return inner.map((one) => (one instanceof Error ? one.message : String(one))).join('; ');
  }
  return error.message === '' ? ('code' in error ? String(error.code) : error.name) : error.message;
}
