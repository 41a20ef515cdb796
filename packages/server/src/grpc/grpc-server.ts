import { once } from 'node:events';
import http2 from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import type { Log } from '../logs/log.ts';
import { CallServer } from './call-server.ts';
import { GrpcConnection } from './grpc-connection.ts';
import type { GrpcMethod, GrpcTransport } from './grpc-method.ts';
import { GRPC_SERVER_SETTINGS } from './grpc-settings.ts';

export interface GrpcServerOptions {
  readonly log: Log;
  readonly maxMessageBytes: number;
  readonly maxConnections: number;
  /** Called after each call. */
  readonly responded: (path: string, status: number, durationMs: number) => void;
}

/** How long unfinished calls may take after everything else has been closed. */
const LAST_CALLS_MS = 1_000;

/** gRPC over `node:http2`, without TLS. */
export class GrpcServer implements GrpcTransport {
  readonly #server: http2.Http2Server;
  readonly #calls: CallServer;
  readonly #connections = new Set<GrpcConnection>();
  readonly #sockets = new Set<Socket>();
  /** Sockets that were ended at the last check, but not closed by their clients. */
  #ended = new Set<Socket>();
  readonly #check: NodeJS.Timeout;
  #isLeaving = false;
  #closed: Promise<unknown> | undefined;

  constructor(options: GrpcServerOptions) {
    const { maxConcurrentStreams, maxHeaderListPairs } = GRPC_SERVER_SETTINGS;
    this.#calls = new CallServer(options);
    this.#server = http2.createServer({
      settings: { enablePush: false, maxConcurrentStreams },
      maxHeaderListPairs,
      maxSessionMemory: GRPC_SERVER_SETTINGS.maxSessionMemoryMb,
      maxSessionInvalidFrames: GRPC_SERVER_SETTINGS.maxInvalidFrames,
      maxSessionRejectedStreams: GRPC_SERVER_SETTINGS.maxRejectedStreams,
    });
    this.#server.maxConnections = options.maxConnections;
    this.#server.on('connection', (socket: Socket) => {
      socket.setNoDelay(true);
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    this.#server.on('session', (session) => this.#opened(session));
    this.#server.on('stream', (stream, headers) => this.#calls.serve(stream, headers));
    this.#server.on('sessionError', (error) => options.log.debug({ err: error }, 'a gRPC connection failed'));
    this.#check = setInterval(() => this.#checkTimes(), GRPC_SERVER_SETTINGS.checkMs).unref();
  }

  async listen(host: string, port: number): Promise<string> {
    this.#server.listen(port, host);
    await once(this.#server, 'listening');
    const { address, family, port: bound } = this.#server.address() as AddressInfo;
    return `${family === 'IPv6' ? `[${address}]` : address}:${bound}`;
  }

  use(methods: readonly GrpcMethod[]): void {
    this.#calls.use(methods);
  }

  stopAccepting(): void {
    if (this.#isLeaving) return;
    this.#isLeaving = true;
    this.#closed = once(this.#server, 'close');
    this.#server.close();
    for (const connection of this.#connections) connection.requestLeave();
  }

  async close(): Promise<void> {
    this.stopAccepting();
    clearInterval(this.#check);
    this.#calls.endStreams();
    for (const { session } of this.#connections) session.close();
    const impatient = setTimeout(() => {
      for (const { session } of this.#connections) session.destroy();
      // A session that has ended waits until its client closes the socket.
      for (const socket of this.#sockets) socket.destroy();
    }, LAST_CALLS_MS);
    await this.#closed;
    clearTimeout(impatient);
  }

  #opened(session: http2.ServerHttp2Session): void {
    const connection = new GrpcConnection(session);
    this.#connections.add(connection);
    session.once('close', () => this.#connections.delete(connection));
    if (this.#isLeaving) connection.requestLeave();
  }

  #checkTimes(): void {
    const nowMs = performance.now();
    this.#calls.endLate(nowMs);
    for (const connection of this.#connections) connection.check(nowMs);
    this.#closeEnded();
  }

  /** Closes the sockets that were ended and that their clients leave open. */
  #closeEnded(): void {
    for (const socket of this.#ended) socket.destroy();
    this.#ended = new Set([...this.#sockets].filter((socket) => socket.writableEnded));
  }
}
