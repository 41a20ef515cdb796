import { LONGEST_TIMER_MS } from '@holdfast/branches/event-loop';
import type { CallContext } from '@holdfast/core';
import { HoldfastError, type Principal, type TraceContext } from '@holdfast/protocol';
import type { AnyInput, Invoke } from './invoke.ts';

/** Sends an event. Resolves when the caller has room for another one; rejects to end the stream. */
export type SendEvent = (event: unknown) => Promise<void>;

/**
 * What one stream does: sends its events, and resolves after the last one, or when the context's
 * signal aborts.
 */
export type RunStream = (context: CallContext, input: AnyInput, send: SendEvent) => Promise<void>;

/**
 * Runs a stream as the call of an operation, so that the interceptors apply to it: the call lasts
 * until the end of the stream. Its context must be a `StreamCall`.
 */
export const streamed =
  (run: RunStream): Invoke =>
  async (context, input) => {
    if (!(context instanceof StreamCall)) throw new TypeError('a stream needs a receiver of its events');
    await context.run(run, input);
  };

/**
 * The context of one stream: where its events go, and its end by its caller or at the caller's
 * deadline, whichever is first.
 */
export class StreamCall implements CallContext {
  readonly principal: Principal;
  readonly namespace: string;
  readonly #caller: CallContext;
  readonly #send: SendEvent;
  readonly #abort = new AbortController();

  constructor(caller: CallContext, send: SendEvent) {
    this.principal = caller.principal;
    this.namespace = caller.namespace;
    this.#caller = caller;
    this.#send = send;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  get connection(): object | string | undefined {
    return this.#caller.connection;
  }

  get trace(): TraceContext | undefined {
    return this.#caller.trace;
  }

  /** Rejects with `deadline_exceeded` at the deadline; resolves if the caller ended the call. */
  async run(run: RunStream, input: AnyInput): Promise<void> {
    const { signal, deadlineMs = Infinity } = this.#caller;
    if (deadlineMs <= performance.now()) throw late();
    const abort = (): void => this.#abort.abort();
    signal?.addEventListener('abort', abort, { once: true });
    if (signal?.aborted === true) abort();
    const timer = deadlineMs === Infinity ? undefined : endAt(deadlineMs, abort);
    try {
      await run(this, input, this.#send);
    } catch (thrown) {
      // An error that follows from the end is not its cause.
      if (!this.#abort.signal.aborted) throw thrown;
    } finally {
      timer?.cancel();
      signal?.removeEventListener('abort', abort);
    }
    if (this.#abort.signal.aborted && signal?.aborted !== true) throw late();
  }
}

/** Calls back at a time of the monotonic clock; long times take several timers. */
function endAt(atMs: number, end: () => void): { cancel(): void } {
  let timer: NodeJS.Timeout | undefined;
  const wait = (): void => {
    const leftMs = atMs - performance.now();
    if (leftMs <= 0) return end();
    timer = setTimeout(wait, Math.min(Math.ceil(leftMs), LONGEST_TIMER_MS));
  };
  wait();
  return { cancel: () => clearTimeout(timer) };
}

const late = (): HoldfastError =>
  new HoldfastError(
    'deadline_exceeded',
    'the deadline of the call has passed; call again to continue, with a later deadline or without one',
    { outcome: 'not_started' },
  );
