import { LONGEST_TIMER_MS } from '@holdfast/branches/event-loop';
import type { CallContext } from '@holdfast/core';
import { HoldfastError, type Principal, type TraceContext } from '@holdfast/protocol';
import type { Invoke } from './invoke.ts';

/** How long reading the state of a transaction may take after the deadline has ended a wait. */
const LAST_READ_MS = 100;

/** The call with its caller's deadline applied. A call without a deadline is passed on as it is. */
export const bounded =
  (next: Invoke): Invoke =>
  (context, input, waitMs) => {
    let deadlineMs: number | undefined;
    try {
      ({ deadlineMs } = context);
    } catch (thrown) {
      // The caller's text is not a number, for example.
      return Promise.reject(HoldfastError.from(thrown));
    }
    if (deadlineMs === undefined) return next(context, input, waitMs);
    return new BoundedCall(context, deadlineMs).run((call) => next(call, input, waitMs));
  };

/** Called before a change of a transaction, or of a topic, is handed to the engine. */
export function changeStarts(context: CallContext, gid?: string): void {
  if (context instanceof BoundedCall) context.changeStarts(gid);
}

/**
 * Reads the state with which a call ends. If reading lasts beyond the deadline, this rejects, and
 * the call itself decides about its response.
 */
export function finalRead<T>(context: CallContext, read: () => Promise<T>): Promise<T> {
  return context instanceof BoundedCall ? context.finalRead(read) : read();
}

/**
 * The context of one call with a deadline, and its timer. States:
 *
 *     open      nothing was changed yet: the deadline rejects the call as not started, and the
 *               engine starts no change later, because it checks the deadline first
 *     changing  a change was handed to the engine: its outcome is unknown at the deadline
 *     reading   everything is done except for reading the response: the deadline ends the reading
 */
class BoundedCall implements CallContext {
  readonly principal: Principal;
  readonly namespace: string;
  readonly deadlineMs: number;
  readonly #caller: CallContext;
  #state: 'open' | 'changing' | 'reading' = 'open';
  #gid: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  #endsMs: number;
  /** Rejects the call, or its final read. */
  #expire: (error: HoldfastError) => void = () => {};

  constructor(caller: CallContext, deadlineMs: number) {
    this.principal = caller.principal;
    this.namespace = caller.namespace;
    this.deadlineMs = this.#endsMs = deadlineMs;
    this.#caller = caller;
  }

  get signal(): AbortSignal | undefined {
    return this.#caller.signal;
  }

  get trace(): TraceContext | undefined {
    return this.#caller.trace;
  }

  get remoteAddress(): string | undefined {
    return this.#caller.remoteAddress;
  }

  /** Without a race of promises and without `await`: every call with a deadline comes here. */
  run<T>(call: (context: CallContext) => Promise<T>): Promise<T> {
    const leftMs = this.#endsMs - performance.now();
    if (leftMs <= 0) return Promise.reject(notStarted());
    return new Promise((resolve, reject) => {
      this.#expire = reject;
      this.#setTimer(leftMs);
      const failed = (error: Error): void => {
        clearTimeout(this.#timer);
        reject(error);
      };
      try {
        call(this).then((value) => {
          clearTimeout(this.#timer);
          resolve(value);
        }, failed);
      } catch (thrown) {
        failed(HoldfastError.from(thrown));
      }
    });
  }

  changeStarts(gid: string | undefined): void {
    this.#state = 'changing';
    this.#gid = gid;
  }

  async finalRead<T>(read: () => Promise<T>): Promise<T> {
    this.#state = 'reading';
    const late = new Promise<never>((_, reject) => (this.#expire = reject));
    return Promise.race([read(), late]);
  }

  #setTimer(leftMs: number): void {
    this.#timer = setTimeout(() => this.#onTimer(), Math.min(Math.ceil(leftMs), LONGEST_TIMER_MS));
  }

  #onTimer(): void {
    // Timers may fire early, and long times take several. A wait ends at the deadline with a read.
    if (this.#state === 'reading') this.#endsMs = this.deadlineMs + LAST_READ_MS;
    const leftMs = this.#endsMs - performance.now();
    if (leftMs > 0) return this.#setTimer(leftMs);
    this.#expire(this.#state === 'changing' ? unknownOutcome(this.#gid) : notStarted(this.#gid));
  }
}

/** The caller's deadline has passed before a change was handed to the engine. */
export const notStarted = (gid?: string): HoldfastError =>
  new HoldfastError('deadline_exceeded', 'the deadline of the request has passed; no change was started', {
    ...(gid !== undefined && { gid }),
    outcome: 'not_started',
  });

/**
 * Waits for what precedes a change, at most until the caller's deadline. Rejects with
 * `deadline_exceeded` at the deadline.
 */
export function untilDeadline<T>(pending: Promise<T>, deadlineMs: number | undefined): Promise<T> {
  if (deadlineMs === undefined) return pending;
  return new Promise((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined;
    const onTimer = (): void => {
      // Timers may fire early, and long times take several.
      const leftMs = deadlineMs - performance.now();
      if (leftMs <= 0) return reject(notStarted());
      timer = setTimeout(onTimer, Math.min(Math.ceil(leftMs), LONGEST_TIMER_MS));
    };
    onTimer();
    void pending.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

const unknownOutcome = (gid: string | undefined): HoldfastError =>
  new HoldfastError(
    'deadline_exceeded',
    'the deadline of the request has passed after its change was handed to the store; its outcome is unknown; ' +
      (gid === undefined ? 'repeat the request' : 'retry with the same gid'),
    { ...(gid !== undefined && { gid }), outcome: 'unknown' },
  );
