import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { Authenticator, PrincipalLimits } from '@holdfast/api';
import { HoldfastError } from '@holdfast/protocol';
import { peerOf } from '../http/exchange.ts';
import { type Log, logDefect } from '../logs/log.ts';
import { CallServer } from './call-server.ts';
import { clientCertificateOf } from '../tls/client-certificate.ts';
import type { TlsGate } from '../tls/tls-gate.ts';
import { GrpcConnection } from './grpc-connection.ts';
import type { GrpcMethod, GrpcTransport } from './grpc-method.ts';
import { GRPC_SERVER_SETTINGS } from './grpc-settings.ts';

export interface GrpcServerOptions {
  readonly log: Log;
  readonly maxMessageBytes: number;
  readonly maxConnections: number;
  /** Serves gRPC over TLS; without TLS by default. */
  readonly tls?: TlsGate;
  /** Called after each call. */
  readonly responded: (path: string, status: number, durationMs: number) => void;
}

/** How long unfinished calls may take after everything else has been closed. */
const LAST_CALLS_MS = 1_000;

/** gRPC over `@holdfast/http2` and `node:net`, with or without TLS. */
export class GrpcServer implements GrpcTransport {
  readonly #server: Server;
  readonly #calls: CallServer;
  readonly #log: Log;
  readonly #tls: TlsGate | undefined;
  readonly #connections = new Set<GrpcConnection>();
  readonly #check: NodeJS.Timeout;
  #isLeaving = false;
  #closed: Promise<unknown> | undefined;

  constructor(options: GrpcServerOptions) {
    this.#calls = new CallServer(options);
    this.#log = options.log;
    const { tls } = options;
    this.#tls = tls;
    const connected = (socket: Socket): void => this.#connected(socket);
    this.#server = createServer(
      { noDelay: true },
      tls === undefined ? connected : (socket) => tls.enter(socket, connected),
    );
    this.#server.maxConnections = options.maxConnections;
    this.#check = setInterval(() => this.#checkTimes(), GRPC_SERVER_SETTINGS.checkMs).unref();
  }

  async listen(host: string, port: number): Promise<string> {
    this.#server.listen(port, host);
    await once(this.#server, 'listening');
    const { address, family, port: bound } = this.#server.address() as AddressInfo;
    return `${family === 'IPv6' ? `[${address}]` : address}:${bound}`;
  }

  use(methods: readonly GrpcMethod[], authenticator?: Authenticator, limits?: PrincipalLimits): void {
    this.#calls.use(methods, authenticator, limits);
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
    this.#tls?.close();
    for (const connection of this.#connections) connection.close();
    // Also a client that has ended its connection may leave the socket open.
    const impatient = setTimeout(() => {
      for (const connection of this.#connections) connection.destroy();
    }, LAST_CALLS_MS);
    await this.#closed;
    clearTimeout(impatient);
  }

  #connected(socket: Socket): void {
    const connection = new GrpcConnection(socket, {
      serve: (stream, fields) =>
        this.#calls.serve(stream, fields, {
          remoteAddress: peerOf(socket)?.address,
          clientCertificate: clientCertificateOf(socket),
          connection: socket,
        }),
      failed: (error) => {
        if (error.cause === undefined) this.#log.debug({ err: error }, 'a gRPC connection failed');
        else logDefect(this.#log, 'a gRPC connection', HoldfastError.from(error.cause));
      },
    });
    this.#connections.add(connection);
    socket.once('close', () => this.#connections.delete(connection));
    if (this.#isLeaving) connection.requestLeave();
  }

  #checkTimes(): void {
    const nowMs = performance.now();
    this.#calls.endLate(nowMs);
    for (const connection of this.#connections) connection.check(nowMs);
  }
}
