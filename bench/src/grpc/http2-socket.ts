import type { Socket } from 'node:net';
import {
  type ConnectionOwner,
  type Field,
  Http2Connection,
  type Http2Stream,
  type StreamReceiver,
} from '@holdfast/http2';

/** A server: begins a call. Returns the receiver of its request. */
export type Serve = (stream: Http2Stream, fields: readonly Field[]) => StreamReceiver;

/**
 * An HTTP/2 connection with its socket, for the load and the branch service: as little work per
 * call as possible, and no protection against the other side.
 */
export class Http2Socket implements ConnectionOwner {
  readonly #socket: Socket;
  readonly #http2: Http2Connection;
  readonly #serve: Serve | undefined;
  readonly #flush = (): void => this.#send();

  /** @param serve only for a server */
  constructor(socket: Socket, serve?: Serve) {
    this.#socket = socket.setNoDelay(true);
    this.#serve = serve;
    this.#http2 = new Http2Connection(serve === undefined ? 'client' : 'server', this, performance.now());
    socket.on('data', (piece: Buffer) => this.#http2.receive(piece, performance.now()));
    socket.on('drain', () => this.#http2.congested(false));
    // The event `close` follows.
    socket.on('error', () => undefined);
    socket.once('close', () => this.#http2.disconnected());
  }

  /**
   * A client: opens a stream. The receiver is notified of its end, also if there is no connection.
   *
   * @param block the request's fields, from `encodeHeaders`
   */
  request(block: Buffer, receiver: StreamReceiver): Http2Stream | undefined {
    return this.#http2.canRequest ? this.#http2.request(block, receiver) : undefined;
  }

  /** Ends the connection at once. */
  destroy(): void {
    this.#socket.destroy();
  }

  /** Frames of one turn of the event loop become one write. */
  wantsOutput(): void {
    setImmediate(this.#flush);
  }

  opened(stream: Http2Stream, fields: readonly Field[]): StreamReceiver {
    if (this.#serve === undefined) throw new Error('a server cannot open a stream');
    return this.#serve(stream, fields);
  }

  hasRoom(): void {}

  leaving(): void {}

  ponged(): void {}

  over(): void {
    setImmediate(this.#flush);
  }

  #send(): void {
    const chunks = this.#http2.takeOutput();
    if (!this.#socket.writable) return;
    this.#socket.cork();
    for (const chunk of chunks) this.#socket.write(chunk);
    this.#socket.uncork();
    if (this.#socket.writableNeedDrain) this.#http2.congested(true);
    if (this.#http2.isOver) this.#socket.end();
  }
}
