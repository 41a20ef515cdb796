import { type Field, HTTP2_CODE, type Http2Connection, type Http2Stream, type StreamReceiver } from '@holdfast/http2';
import { type BranchResult, branchResult, resultOfGrpc } from '@holdfast/protocol';
import { decodeGrpcMessage } from '@holdfast/protocol/grpc';
import type { HttpClock, Timeout } from '../http1/environment.ts';
import { LONGEST_TIMER_MS } from '../event-loop/system-clock.ts';
import { describeNetworkError } from '../tls/tls-error.ts';
import type { Expiring } from '../event-loop/time-out-in-turns.ts';

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
  readonly #headers: Buffer;
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
  #hasResponse = false;
  #isDone = false;
  #isRepeated = false;

  /**
   * @param headers from `encodeHeaders`
   * @param settle called once, with the result and whether a response came
   */
  constructor(
    headers: Buffer,
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
    this.#hasResponse = false;
    const stream = connection.request(this.#headers, this);
    this.#stream = stream;
    stream.sendData(this.#frame, true);
  }

  headers(fields: readonly Field[], isLast: boolean): void {
    this.#carrier?.responded();
    if (this.#hasResponse) this.#takeStatus(fields);
    else this.#takeHead(fields, isLast);
    this.#hasResponse = true;
    this.#endStream(isLast);
  }

  /** The response's message means nothing. */
  data(bytes: Buffer): void {
    this.#stream?.consume(bytes.length);
  }

  complete(): void {
    if (this.#isDone) return;
    this.failed(new Error('the call was ended without a status'));
    this.#endStream(true);
  }

  drained(): void {}

  closed(code: number | undefined): void {
    if (this.#isDone) return;
    const isLost = this.#connection?.isOver === true;
    const error = isLost ? this.#carrier?.endedBy : undefined;
    // An error code that ends the whole connection is not a statement about this call.
    if (isLost ? this.#isReused && !this.#hasResponse : code === HTTP2_CODE.refusedStream) return this.repeat(error);
    this.failed(error ?? new Error(`the call was ended without a status (HTTP/2 code ${code ?? 0})`));
  }

  /** The other side did not begin the call, or may not have: it is sent again, once. */
  repeat(error: Error | undefined): void {
    if (this.#isRepeated) return this.failed(error ?? new Error('the connection was closed before a response'));
    this.#isRepeated = true;
    this.#stream = undefined;
    this.#carrier = undefined;
    this.#owner.send(this);
  }

  /** Only a response that consists of its headers has its status there. */
  #takeHead(fields: readonly Field[], isLast: boolean): void {
    if (isLast && valueIn(fields, 'grpc-status') !== undefined) return this.#takeStatus(fields);
    const status = Number(valueIn(fields, ':status'));
    if (status !== 200) this.#done(branchResult('UNKNOWN', `HTTP ${status} without grpc-status`), true);
  }

  /** A server that has responded but leaves the stream open must not hold it. */
  #endStream(isComplete: boolean): void {
    const stream = this.#stream;
    if (stream === undefined || !this.#isDone) return;
    const isSent = stream.state === 'half-closed-local' || stream.state === 'closed';
    if (!(isComplete && isSent)) stream.reset(HTTP2_CODE.cancel);
  }

  #takeStatus(fields: readonly Field[]): void {
    const status = valueIn(fields, 'grpc-status');
    if (status === undefined) return this.#done(branchResult('UNKNOWN', 'the response has no grpc-status'), true);
    const text = decodeGrpcMessage(valueIn(fields, 'grpc-message') ?? '');
    // Neither 0x0 nor 1e0 is a code.
    const code = /^\d{1,3}$/.test(status) ? Number(status) : Number.NaN;
    this.#done(
      Number.isNaN(code)
        ? branchResult('UNKNOWN', `grpc-status ${JSON.stringify(status.slice(0, 64))} is not a number`)
        : resultOfGrpc(code, text),
      true,
    );
  }

  #done(result: BranchResult, responded: boolean): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.#clock.cancelTimeout(this.#deadline);
    this.#settle(result, responded);
  }
}

/** A field that was sent several times is one list, as in HTTP: two statuses are not a number. */
function valueIn(fields: readonly Field[], name: string): string | undefined {
  let found: string | undefined;
  for (const field of fields)
    if (field.name === name) found = found === undefined ? field.value : `${found}, ${field.value}`;
  return found;
}
