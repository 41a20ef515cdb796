import {
  type Field,
  HTTP2_CODE,
  HTTP2_CODE_NAMES,
  type Http2Connection,
  type Http2Stream,
  type StreamReceiver,
} from '@holdfast/http2';
import { type BranchResult, branchResult, describeNetworkError } from '@holdfast/protocol';
import type { HttpClock, Timeout } from '../http1/environment.ts';
import { LONGEST_TIMER_MS } from '../event-loop/system-clock.ts';
import type { Expiring } from '../event-loop/time-out-in-turns.ts';
import { UnaryResponse } from './unary-response.ts';

/** Connections that a call may wait for in vain: some servers end each at once. */
const MAX_MOVES = 4;

/** What a call needs from its channel. */
export interface CallOwner {
  send(call: GrpcExchange): void;
  /** Takes a call that has not been sent out of the queue. */
  cancel(call: GrpcExchange): void;
}

/** What a call needs from its connection. */
export interface CallCarrier {
  /** Why the connection has ended; undefined: it has not, or there is no particular reason. */
  readonly endedBy: Error | undefined;
  /** A call got no response in time: perhaps the other side no longer exists. */
  suspect(): void;
  /** The other side has responded to a call. */
  responded(): void;
}

/**
 * One call of a branch. Every outcome becomes a result. It settles after `timeoutMs` at the latest,
 * which covers resolving, connecting, sending and the response.
 */
export class GrpcExchange implements Expiring, StreamReceiver {
  readonly #headers: Buffer | (() => Buffer);
  readonly #frame: Buffer;
  readonly #owner: CallOwner;
  readonly #clock: HttpClock;
  readonly #timeoutMs: number;
  readonly #deadline: Timeout;
  readonly #settle: (result: BranchResult, responded: boolean) => void;
  #connection: Http2Connection | undefined;
  #stream: Http2Stream | undefined;
  #carrier: CallCarrier | undefined;
  /** Whether another call was sent over the connection before. */
  #isReused = false;
  #response = new UnaryResponse();
  #isDone = false;
  #isRepeated = false;
  #moves = 0;

  /**
   * @param headers from `encodeHeaders`; a function makes them each time that the call is sent
   * @param settle called once, with the result and whether a response came
   */
  constructor(
    headers: Buffer | (() => Buffer),
    frame: Buffer,
    owner: CallOwner,
    clock: HttpClock,
    timeoutMs: number,
    settle: (result: BranchResult, responded: boolean) => void,
  ) {
    this.#headers = headers;
    this.#frame = frame;
    this.#owner = owner;
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.#settle = settle;
    this.#deadline = clock.startTimeout(Math.min(timeoutMs, LONGEST_TIMER_MS), this);
  }

  get isDone(): boolean {
    return this.#isDone;
  }

  timeOut(): void {
    if (this.#isDone) return;
    const stream = this.#stream;
    this.#done(branchResult('UNKNOWN', `no response within ${this.#timeoutMs} ms`), false);
    if (stream === undefined) return this.#owner.cancel(this);
    stream.reset(HTTP2_CODE.cancel);
    this.#carrier?.suspect();
  }

  /** The call cannot be sent. */
  failed(error: Error): void {
    this.#done(branchResult('UNKNOWN', describeNetworkError(error)), false);
  }

  /** Sends the call over a connection that has room for it. */
  sendOver(connection: Http2Connection, carrier: CallCarrier, isReused: boolean): void {
    this.#connection = connection;
    this.#carrier = carrier;
    this.#isReused = isReused;
    this.#response = new UnaryResponse();
    const headers = typeof this.#headers === 'function' ? this.#headers() : this.#headers;
    const stream = connection.request(headers, this);
    this.#stream = stream;
    stream.sendData(this.#frame, true);
  }

  headers(fields: readonly Field[], isLast: boolean): void {
    this.#carrier?.responded();
    this.#response.headers(fields, isLast);
    const { early } = this.#response;
    if (early === undefined || this.#isDone) return;
    this.#done(early, true);
    // A server that has responded but leaves the stream open must not hold it.
    this.#stream?.reset(HTTP2_CODE.cancel);
  }

  data(bytes: Buffer): void {
    this.#response.data(bytes);
    this.#stream?.consume(bytes.length);
  }

  complete(): void {
    if (this.#isDone) return;
    // The stream is closed if this side has sent everything as well.
    const isSent = this.#stream?.state === 'closed';
    this.#done(this.#response.result(isSent), true);
    if (!isSent) this.#stream?.reset(HTTP2_CODE.cancel);
  }

  drained(): void {}

  closed(code: number | undefined): void {
    if (this.#isDone) return;
    const isLost = this.#connection?.isOver === true;
    const error = isLost ? (this.#carrier?.endedBy ?? this.#connection?.error) : undefined;
    // An error code that ends the whole connection is not a statement about this call. A server
    // that has begun to respond has begun the call, whatever the code states.
    const mayRepeat = isLost ? this.#isReused : code === HTTP2_CODE.refusedStream;
    if (mayRepeat && !this.#response.hasBegun) return this.repeat(error);
    this.failed(error ?? new Error(isLost ? LOST : `the call was ended without a status (${nameOfCode(code)})`));
  }

  /** The other side did not begin the call, or may not have: it is sent again, once. */
  repeat(error: Error | undefined): void {
    if (this.#isRepeated) return this.failed(error ?? new Error(LOST));
    this.#isRepeated = true;
    this.#stream = undefined;
    this.#carrier = undefined;
    this.#owner.send(this);
  }

  /** A connection for which the call waited takes no more calls: it is sent over another one. */
  move(error: Error | undefined): void {
    if (this.#moves++ === MAX_MOVES) return this.failed(error ?? new Error(LOST));
    this.#owner.send(this);
  }

  #done(result: BranchResult, responded: boolean): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.#clock.cancelTimeout(this.#deadline);
    this.#settle(result, responded);
  }
}

const LOST = 'the connection was closed before a response';

const nameOfCode = (code = 0): string => `HTTP/2 error ${HTTP2_CODE_NAMES[code] ?? code}`;
