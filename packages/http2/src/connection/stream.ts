import { INITIAL_WINDOW } from '../constants.ts';
import type { Field } from '../hpack/field.ts';
import { SendQueue } from './send-queue.ts';

/** Receives what the peer sends over one stream. Errors that it throws end the connection. */
export interface StreamReceiver {
  /** A client: the response; both: the trailers, which are last. */
  headers(fields: readonly Field[], isLast: boolean): void;
  /** Bytes of the message. `Http2Stream.consume` permits the peer to send as many again. */
  data(bytes: Buffer): void;
  /** The peer has sent everything. */
  complete(): void;
  /** All bytes that waited have been sent. */
  drained(): void;
  /**
   * Called once, at last. Undefined: both sides have sent everything; otherwise the error code with
   * which the stream or its connection was ended.
   */
  closed(code: number | undefined): void;
}

/** The states of a stream that was opened (RFC 9113, 5.1). */
export type StreamState = 'open' | 'half-closed-local' | 'half-closed-remote' | 'closed';

/** The connection of a stream. */
export interface StreamConnection {
  readonly nowMs: number;
  /** Bytes of DATA that may be sent at once over the stream. */
  roomFor(stream: Http2Stream): number;
  writeHeaders(stream: Http2Stream, block: Buffer, isLast: boolean): void;
  writeData(stream: Http2Stream, bytes: Buffer, isLast: boolean): void;
  /** Leaves out the bytes that wait. */
  discardQueued(stream: Http2Stream): void;
  /** Bytes were added to the stream's queue: sends what the windows allow. */
  queued(stream: Http2Stream, bytes: number): void;
  /** This side has sent everything. */
  endedLocally(stream: Http2Stream): void;
  resetStream(stream: Http2Stream, code: number): void;
  /** Permits the peer to send as many bytes again. */
  consumed(stream: Http2Stream, bytes: number): void;
}

/**
 * One stream. It is closed when both sides have ended it, when either side resets it, and with its
 * connection. Calls after that have no effect.
 */
export class Http2Stream {
  readonly id: number;
  receiver: StreamReceiver = IGNORED;
  /** Bytes that this side may send, apart from the connection's window. May be negative. */
  sendWindow: number;
  /** Bytes that the peer may send. */
  receiveWindow = INITIAL_WINDOW;
  /** Consumed bytes that the peer was not yet notified of. */
  unreported = 0;
  /** Announced bytes that have not arrived; -1: nothing was announced. */
  expectedBytes = -1;
  /** What waits for the windows; undefined: nothing. */
  queue: SendQueue | undefined;
  readonly #connection: StreamConnection;
  #state: StreamState = 'open';
  #hasHeaders = false;
  #hasSentHeaders = false;

  constructor(id: number, sendWindow: number, connection: StreamConnection) {
    this.id = id;
    this.sendWindow = sendWindow;
    this.#connection = connection;
  }

  get state(): StreamState {
    return this.#state;
  }

  /** Whether the peer has sent everything. */
  get isEndedByPeer(): boolean {
    return this.#state === 'half-closed-remote' || this.#state === 'closed';
  }

  get hasSentHeaders(): boolean {
    return this.#hasSentHeaders;
  }

  /** Whether the peer's headers have come, so that others are trailers. */
  get hasHeaders(): boolean {
    return this.#hasHeaders;
  }

  /** @param block from `encodeHeaders` */
  sendHeaders(block: Buffer, isLast = false): void {
    if (!this.#isSending) return;
    this.#hasSentHeaders = true;
    this.#connection.writeHeaders(this, block, isLast);
    if (isLast) this.#connection.endedLocally(this);
  }

  /** Sends bytes, which must not change afterwards. Returns false if some wait for the windows. */
  sendData(bytes: Buffer, isLast = false): boolean {
    if (!this.#isSending) return true;
    if (this.queue === undefined && bytes.length <= this.#connection.roomFor(this)) {
      if (bytes.length > 0 || isLast) this.#connection.writeData(this, bytes, isLast);
      if (isLast) this.#connection.endedLocally(this);
      return true;
    }
    const queue = (this.queue ??= new SendQueue(this.#connection.nowMs));
    queue.push(bytes);
    if (isLast) queue.end = 'with-data';
    this.#connection.queued(this, bytes.length);
    return this.queue === undefined;
  }

  /** Ends the stream with trailers, after all bytes. */
  sendTrailers(block: Buffer): void {
    if (!this.#isSending) return;
    if (this.queue === undefined) return this.sendHeaders(block, true);
    this.queue.end = block;
  }

  /** Leaves out the bytes that wait for the windows: what follows is sent at once. */
  discardUnsent(): void {
    if (this.#isSending && this.queue !== undefined) this.#connection.discardQueued(this);
  }

  /** Ends the stream at once, in both directions. */
  reset(code: number): void {
    if (this.#state !== 'closed') this.#connection.resetStream(this, code);
  }

  /** Notes that bytes of the message were processed. */
  consume(bytes: number): void {
    if (this.#state === 'open' || this.#state === 'half-closed-local') this.#connection.consumed(this, bytes);
  }

  /** For the connection: the peer's headers have come. */
  gotHeaders(): void {
    this.#hasHeaders = true;
  }

  /** For the connection: one side has sent everything. Returns whether both have. */
  ended(side: 'local' | 'remote'): boolean {
    if (this.#state === 'open') this.#state = side === 'local' ? 'half-closed-local' : 'half-closed-remote';
    else if (this.#state !== `half-closed-${side}`) this.#state = 'closed';
    return this.#state === 'closed';
  }

  /** For the connection: the stream is closed. */
  close(code: number | undefined): void {
    this.#state = 'closed';
    this.queue = undefined;
    this.receiver.closed(code);
    this.receiver = IGNORED;
  }

  get #isSending(): boolean {
    if (this.#state !== 'open' && this.#state !== 'half-closed-remote') return false;
    return this.queue === undefined || this.queue.end === 'not-yet';
  }
}

const nothing = (): void => undefined;
/** The receiver of a stream before and after its own. */
const IGNORED: StreamReceiver = {
  headers: nothing,
  data: nothing,
  complete: nothing,
  drained: nothing,
  closed: nothing,
};
