import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import {
  encodeHeaders,
  type Field,
  Http2Connection,
  type Http2Error,
  type Http2Stream,
  HTTP2_LIMITS,
  type Http2Limits,
  type StreamReceiver,
} from '@holdfast/http2';

const HEADERS = encodeHeaders([[':status', '200']]);
const TRAILERS = encodeHeaders([['x-status', '0']]);

/** Responds to each complete request with its body, or with a short one, and trailers. */
class Echo implements StreamReceiver {
  readonly #stream: Http2Stream;
  readonly #pieces: Buffer[] = [];

  constructor(stream: Http2Stream) {
    this.#stream = stream;
  }

  headers(): void {}

  data(piece: Buffer): void {
    this.#pieces.push(piece);
    this.#stream.consume(piece.length);
  }

  complete(): void {
    this.#stream.sendHeaders(HEADERS);
    this.#stream.sendData(this.#pieces.length === 0 ? Buffer.from('hello') : Buffer.concat(this.#pieces));
    this.#stream.sendTrailers(TRAILERS);
  }

  drained(): void {}

  closed(): void {}
}

/** An HTTP/2 server on `Http2Connection`, as simple as a server can be. */
export class EchoServer implements AsyncDisposable {
  readonly port: number;
  /** The fields of the requests. */
  readonly requests: (readonly Field[])[] = [];
  /** Why connections have failed. */
  readonly errors: Http2Error[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
  }

  static async start(limits: Partial<Http2Limits> = {}): Promise<EchoServer> {
    const server = createServer({ noDelay: true });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const echo = new EchoServer(server);
    server.on('connection', (socket) => echo.#connected(socket, { ...HTTP2_LIMITS, ...limits }));
    return echo;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #connected(socket: Socket, limits: Http2Limits): void {
    this.#sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => this.#sockets.delete(socket));
    const flush = (): void => {
      const chunks = connection.takeOutput();
      if (!socket.writable) return;
      for (const chunk of chunks) socket.write(chunk);
      connection.congested(socket.writableNeedDrain);
      if (connection.isOver) socket.end();
    };
    const nothing = (): void => undefined;
    const connection = new Http2Connection(
      'server',
      {
        wantsOutput: () => void setImmediate(flush),
        opened: (stream, fields) => {
          this.requests.push(fields);
          return new Echo(stream);
        },
        hasRoom: nothing,
        leaving: nothing,
        ponged: nothing,
        over: (error) => {
          if (error !== undefined) this.errors.push(error);
          setImmediate(flush);
        },
      },
      performance.now(),
      limits,
    );
    socket.on('drain', () => connection.congested(false));
    socket.on('data', (piece: Buffer) => connection.receive(piece, performance.now()));
    socket.once('end', () => connection.disconnected());
    socket.once('close', () => connection.disconnected());
  }
}
