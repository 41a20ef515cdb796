import http2, {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from 'node:http2';
import { type BranchResult, branchResult, resultOfGrpc } from '@holdfast/protocol';
import { decodeGrpcMessage } from '@holdfast/protocol/grpc';
import type { HttpClock, Timeout } from '../http1/environment.ts';
import { LONGEST_TIMER_MS } from '../event-loop/system-clock.ts';
import type { Expiring } from '../event-loop/time-out-in-turns.ts';

const { NGHTTP2_CANCEL, NGHTTP2_FLAG_END_STREAM, NGHTTP2_REFUSED_STREAM } = http2.constants;

/** What a call needs from its channel. */
export interface CallOwner {
  send(call: GrpcExchange): void;
  /** Takes a call that has not been sent out of the queue. */
  cancel(call: GrpcExchange): void;
}

/** What a call needs from its connection. */
export interface CallCarrier {
  /** A call got no response in time: perhaps the other side no longer exists. */
  suspect(): void;
  /** The other side has responded to a call. */
  responded(): void;
  /** It takes no more calls; those in progress continue. */
  retire(): void;
}

/**
 * One call of a branch. Every outcome becomes a result. It settles after `timeoutMs` at the latest,
 * which covers resolving, connecting, sending and the response.
 */
export class GrpcExchange implements Expiring {
  readonly #headers: OutgoingHttpHeaders;
  readonly #frame: Buffer;
  readonly #owner: CallOwner;
  readonly #clock: HttpClock;
  readonly #timeoutMs: number;
  readonly #deadline: Timeout;
  readonly #settle: (result: BranchResult, responded: boolean) => void;
  #stream: ClientHttp2Stream | undefined;
  #carrier: CallCarrier | undefined;
  #isDone = false;
  #isRepeated = false;

  /** @param settle called once, with the result and whether a response came */
  constructor(
    headers: OutgoingHttpHeaders,
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
    stream.close(NGHTTP2_CANCEL);
    this.#carrier?.suspect();
  }

  /** The call cannot be sent. */
  failed(error: Error): void {
    this.#done(branchResult('UNKNOWN', error.message === '' ? error.name : error.message), false);
  }

  /**
   * Sends the call. Returns the reason if the connection takes no more calls.
   *
   * @param isReused whether another call was sent over the connection before
   */
  sendOver(session: ClientHttp2Session, carrier: CallCarrier, isReused: boolean): Error | undefined {
    let stream: ClientHttp2Stream;
    try {
      stream = session.request(this.#headers);
    } catch (thrown) {
      return thrown instanceof Error ? thrown : new Error(String(thrown));
    }
    this.#stream = stream;
    this.#carrier = carrier;
    let error: Error | undefined;
    let hasResponse = false;
    stream.on('error', (thrown: Error) => {
      error = thrown;
    });
    stream.on('response', (headers, flags) => {
      hasResponse = true;
      carrier.responded();
      const isLast = (flags & NGHTTP2_FLAG_END_STREAM) !== 0;
      this.#takeHead(headers, isLast);
      this.#endStream(stream, isLast);
    });
    stream.on('trailers', (headers: IncomingHttpHeaders) => {
      this.#takeStatus(headers);
      this.#endStream(stream, true);
    });
    stream.on('close', () => {
      if (this.#isDone) return;
      if (isOutOfStreams(error)) {
        carrier.retire();
        return this.repeat(error);
      }
      const { rstCode } = stream;
      if (rstCode === NGHTTP2_REFUSED_STREAM || (isReused && !hasResponse && session.destroyed))
        return this.repeat(error);
      this.failed(error ?? new Error(`the call was ended without a status (HTTP/2 code ${rstCode})`));
    });
    // The response's message means nothing; it is read so that the connection's window stays open.
    stream.resume();
    stream.end(this.#frame);
    return undefined;
  }

  /** The other side did not begin the call, or may not have: it is sent again, once. */
  repeat(error: Error | undefined): void {
    if (this.#isRepeated) return this.failed(error ?? new Error('the connection was closed before a response'));
    this.#isRepeated = true;
    this.#stream = undefined;
    this.#owner.send(this);
  }

  /** Only a response that consists of its headers has its status there. */
  #takeHead(headers: IncomingHttpHeaders, isLast: boolean): void {
    if (isLast && headers['grpc-status'] !== undefined) return this.#takeStatus(headers);
    const status = Number(headers[':status']);
    if (status !== 200) this.#done(branchResult('UNKNOWN', `HTTP ${status} without grpc-status`), true);
  }

  /** A server that has responded but leaves the stream open must not hold it. */
  #endStream(stream: ClientHttp2Stream, isComplete: boolean): void {
    if (this.#isDone && !(isComplete && stream.writableFinished)) stream.close(NGHTTP2_CANCEL);
  }

  #takeStatus(headers: IncomingHttpHeaders): void {
    const status = headers['grpc-status'];
    if (typeof status === 'string') {
      const message = headers['grpc-message'];
      const text = typeof message === 'string' ? decodeGrpcMessage(message) : '';
      // Neither 0x0 nor 1e0 is a code.
      const code = /^\d{1,3}$/.test(status) ? Number(status) : Number.NaN;
      return this.#done(
        Number.isNaN(code)
          ? branchResult('UNKNOWN', `grpc-status ${JSON.stringify(status.slice(0, 64))} is not a number`)
          : resultOfGrpc(code, text),
        true,
      );
    }
    this.#done(branchResult('UNKNOWN', 'the response has no grpc-status'), true);
  }

  #done(result: BranchResult, responded: boolean): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.#clock.cancelTimeout(this.#deadline);
    this.#settle(result, responded);
  }
}

/** Whether a connection has used up its stream IDs, of which it has 2^30: the call was not sent. */
const isOutOfStreams = (error: Error | undefined): boolean =>
  error !== undefined && 'code' in error && error.code === 'ERR_HTTP2_OUT_OF_STREAMS';
