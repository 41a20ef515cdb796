import type { Socket } from 'node:net';
import {
  type ConnectionOwner,
  type Field,
  HTTP2_LIMITS,
  Http2Connection,
  type Http2Error,
  type Http2Stream,
  type StreamReceiver,
} from '@holdfast/http2';
import { GRPC_SERVER_SETTINGS } from './grpc-settings.ts';

/** What a connection needs from its server. */
export interface GrpcConnectionOwner {
  serve(stream: Http2Stream, fields: readonly Field[]): StreamReceiver;
  /** The client has made an error, or a method has thrown (with a cause). */
  failed(error: Http2Error): void;
}

const LIMITS = {
  ...HTTP2_LIMITS,
  maxStreams: GRPC_SERVER_SETTINGS.maxConcurrentStreams,
  maxFields: GRPC_SERVER_SETTINGS.maxHeaderListPairs,
  maxQueuedBytes: GRPC_SERVER_SETTINGS.maxQueuedBytes,
};

/** One connection of a client: its socket, and whether the client still responds to pings. */
export class GrpcConnection implements ConnectionOwner {
  readonly #socket: Socket;
  readonly #http2: Http2Connection;
  readonly #owner: GrpcConnectionOwner;
  readonly #flush = (): void => this.#send();
  #respondedMs: number;
  #pingedMs: number | undefined;
  /** Bytes that arrived after the end, and were discarded. */
  #discardedBytes = 0;
  #wasEnded = false;

  constructor(socket: Socket, owner: GrpcConnectionOwner) {
    this.#socket = socket;
    this.#owner = owner;
    this.#respondedMs = performance.now();
    this.#http2 = new Http2Connection('server', this, this.#respondedMs, LIMITS);
    socket.on('data', (piece: Buffer) => this.#received(piece));
    socket.on('drain', () => this.#drained());
    // The event `close` follows.
    socket.on('error', () => undefined);
    socket.once('end', () => this.#http2.disconnected());
    socket.once('close', () => this.#http2.disconnected());
  }

  /** Requests that the client open another connection for further calls. */
  requestLeave(): void {
    this.#http2.leave();
  }

  /** Closes the connection when the calls in progress have ended. */
  close(): void {
    this.#http2.leaveNow();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** Sends a ping when it is due; ends a connection that did not respond to the last one. */
  check(nowMs: number): void {
    if (this.#http2.isOver) {
      // The client had the time between two checks to close its side.
      if (this.#wasEnded) this.#socket.destroy();
      this.#wasEnded = true;
      return;
    }
    this.#http2.check(nowMs);
    const { keepAliveMs, keepAliveTimeoutMs } = GRPC_SERVER_SETTINGS;
    if (this.#pingedMs !== undefined) {
      if (nowMs - this.#pingedMs > keepAliveTimeoutMs) this.#socket.destroy();
      return;
    }
    if (nowMs - this.#respondedMs < keepAliveMs) return;
    this.#pingedMs = nowMs;
    this.#http2.ping();
  }

  /** Frames of one turn of the event loop become one write. */
  wantsOutput(): void {
    setImmediate(this.#flush);
  }

  opened(stream: Http2Stream, fields: readonly Field[]): StreamReceiver {
    return this.#owner.serve(stream, fields);
  }

  hasRoom(): void {}

  leaving(): void {}

  ponged(): void {
    this.#pingedMs = undefined;
    this.#respondedMs = performance.now();
  }

  over(error: Http2Error | undefined): void {
    if (error !== undefined) this.#owner.failed(error);
    // Also without output, to end the socket.
    setImmediate(this.#flush);
  }

  #received(piece: Buffer): void {
    if (!this.#http2.isOver) return this.#http2.receive(piece, performance.now());
    this.#discardedBytes += piece.length;
    if (this.#discardedBytes > GRPC_SERVER_SETTINGS.maxDiscardedBytes) this.#socket.destroy();
  }

  #send(): void {
    const socket = this.#socket;
    const chunks = this.#http2.takeOutput();
    if (!socket.writable) return;
    if (chunks.length > 1) socket.cork();
    for (const chunk of chunks) socket.write(chunk);
    if (chunks.length > 1) socket.uncork();
    if (socket.writableNeedDrain) {
      this.#http2.congested(true);
      // A client that does not read its responses must not send more requests.
      if (socket.writableLength > GRPC_SERVER_SETTINGS.maxUnsentBytes) socket.pause();
    }
    if (this.#http2.isOver) socket.end();
  }

  #drained(): void {
    this.#http2.congested(false);
    if (this.#socket.isPaused()) this.#socket.resume();
  }
}
