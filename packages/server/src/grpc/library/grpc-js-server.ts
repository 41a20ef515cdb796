import { X509Certificate } from 'node:crypto';
import { type EventEmitter, once } from 'node:events';
import net from 'node:net';
import grpc from '@grpc/grpc-js';
import type { Authenticator, Credentials, PrincipalLimits } from '@holdfast/api';
import { HoldfastError } from '@holdfast/protocol';
import { decodeGrpcMessage, encodeGrpcMessage, formatGrpcTimeout, GRPC_STATUS } from '@holdfast/protocol/grpc';
import { logDefect } from '../../logs/log.ts';
import { describe } from '../../tls/client-certificate.ts';
import { admitCaller, type GrpcCallers, watchCaller } from '../grpc-access.ts';
import { GrpcContext } from '../grpc-context.ts';
import { GrpcError } from '../grpc-error.ts';
import type { EventsMethod, GrpcMethod, GrpcTransport, StreamMethod, UnaryMethod } from '../grpc-method.ts';
import type { GrpcServerOptions } from '../grpc-server.ts';
import { GRPC_SERVER_SETTINGS } from '../grpc-settings.ts';
import { RequestQueue } from '../request-queue.ts';

/** How long unfinished calls may take after everything else has been closed. */
const LAST_CALLS_MS = 1_000;

/**
 * The gRPC server of the library `@grpc/grpc-js`, in case our own has a bug. It has fewer limits:
 * docs/grpc.md lists the differences.
 */
export class GrpcJsServer implements GrpcTransport {
  readonly #options: GrpcServerOptions;
  readonly #server: grpc.Server;
  readonly #connections: ReturnType<grpc.Server['createConnectionInjector']>;
  readonly #listener = net.createServer();
  readonly #sockets = new Set<net.Socket>();
  /** Connections that were accepted before the methods are known; they wait. */
  #waiting: net.Socket[] | undefined = [];
  #closed: Promise<unknown> | undefined;
  #callers: GrpcCallers = { authenticator: undefined, limits: undefined };

  constructor(options: GrpcServerOptions) {
    this.#options = options;
    this.#server = new grpc.Server({
      'grpc.max_receive_message_length': options.maxMessageBytes,
      'grpc.max_send_message_length': -1,
      'grpc.max_concurrent_streams': GRPC_SERVER_SETTINGS.maxConcurrentStreams,
      'grpc.keepalive_time_ms': GRPC_SERVER_SETTINGS.keepAliveMs,
      'grpc.keepalive_timeout_ms': GRPC_SERVER_SETTINGS.keepAliveTimeoutMs,
      'grpc.enable_channelz': 0,
    });
    this.#connections = this.#server.createConnectionInjector(grpc.ServerCredentials.createInsecure());
    this.#listener.maxConnections = options.maxConnections;
    const { tls } = options;
    const accepted = (socket: net.Socket): void => this.#accepted(socket);
    this.#listener.on('connection', tls === undefined ? accepted : (socket) => tls.enter(socket, accepted));
  }

  async listen(host: string, port: number): Promise<string> {
    this.#listener.listen(port, host);
    await once(this.#listener, 'listening');
    const { address, family, port: bound } = this.#listener.address() as net.AddressInfo;
    return `${family === 'IPv6' ? `[${address}]` : address}:${bound}`;
  }

  use(methods: readonly GrpcMethod[], authenticator?: Authenticator, limits?: PrincipalLimits): void {
    this.#callers = { authenticator, limits };
    for (const method of methods) this.#register(method);
    for (const socket of this.#waiting ?? []) this.#connections.injectConnection(socket);
    this.#waiting = undefined;
  }

  stopAccepting(): void {
    if (this.#closed !== undefined) return;
    this.#closed = once(this.#listener, 'close');
    this.#listener.close();
  }

  async close(): Promise<void> {
    this.stopAccepting();
    // Ends the sessions after their calls, or after this time.
    this.#connections.drain(LAST_CALLS_MS);
    this.#options.tls?.close();
    for (const socket of this.#waiting ?? []) socket.destroy();
    const impatient = setTimeout(() => {
      for (const socket of this.#sockets) socket.destroy();
    }, LAST_CALLS_MS);
    await this.#closed;
    clearTimeout(impatient);
    this.#connections.destroy();
    this.#server.forceShutdown();
  }

  #accepted(socket: net.Socket): void {
    socket.setNoDelay(true);
    socket.on('error', () => undefined);
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    if (this.#waiting === undefined) this.#connections.injectConnection(socket);
    else this.#waiting.push(socket);
  }

  #register(method: GrpcMethod): void {
    switch (method.kind) {
      case 'unary':
        return void this.#server.register(method.path, this.#unary(method), bytesOf, asIs, 'unary');
      case 'events':
        return void this.#server.register(method.path, this.#events(method), bytesOf, asIs, 'serverStream');
      case 'stream':
        return void this.#server.register(method.path, this.#stream(method), bytesOf, asIs, 'bidi');
    }
  }

  #unary(method: UnaryMethod): grpc.handleUnaryCall<Buffer, Uint8Array> {
    return (call, callback) => {
      const end = this.#endOf(method.path, call);
      this.#admitted(call, method, end.signal, call.request.length)
        .then((context) => method.call(context, call.request))
        .then(
          (response) => {
            end.with(GRPC_STATUS.ok);
            callback(null, response);
          },
          (thrown: unknown) => {
            const error = this.#errorOf(thrown, method.path);
            end.with(error.code);
            callback(statusOf(error));
          },
        );
    };
  }

  #events(method: EventsMethod): grpc.handleServerStreamingCall<Buffer, Uint8Array> {
    return (call) => {
      const end = this.#endOf(method.path, call);
      const send = (message: Uint8Array): Promise<void> | undefined =>
        end.signal.aborted || call.write(message) ? undefined : drained(call);
      const finished = this.#admitted(call, method, end.signal, call.request.length).then((context) =>
        this.#whileAdmitted(call, method, context, end, () => method.run(context, call.request, send)),
      );
      this.#endAfter(finished, call, end, method.path);
    };
  }

  #stream(method: StreamMethod): grpc.handleBidiStreamingCall<Buffer, Uint8Array> {
    return (call) => {
      const end = this.#endOf(method.path, call);
      const requests = new RequestQueue(() => call.resume());
      call.on('data', (request: Buffer) => {
        requests.push(request);
        if (requests.isFull) call.pause();
      });
      call.on('end', () => requests.end());
      end.signal.addEventListener('abort', () => requests.end());
      const send = async (message: Uint8Array): Promise<void> => {
        if (end.signal.aborted || call.write(message)) return;
        await drained(call);
      };
      const finished = this.#admitted(call, method, end.signal, 0).then((context) =>
        this.#whileAdmitted(call, method, context, end, () => method.run({ signal: end.signal, requests, send })),
      );
      this.#endAfter(finished, call, end, method.path);
    };
  }

  /** Ends a call whose response is a stream, once its method has finished. */
  #endAfter(
    finished: Promise<void>,
    call: grpc.ServerWritableStream<Buffer, Uint8Array> | grpc.ServerDuplexStream<Buffer, Uint8Array>,
    end: CallEnd,
    path: string,
  ): void {
    finished.then(
      () => {
        end.with(GRPC_STATUS.ok);
        call.end();
      },
      (thrown: unknown) => {
        const error = this.#errorOf(thrown, path);
        end.with(error.code);
        call.emit('error', statusOf(error));
      },
    );
  }

  /** The context of a call whose caller is known. */
  async #admitted(call: AnyCall, method: GrpcMethod, signal: AbortSignal, bytes: number): Promise<GrpcContext> {
    const context = contextOf(call, signal);
    // Address and port of the client.
    context.connection = call.getPeer();
    await admitCaller(context, method, this.#callers, credentialsOf(call));
    this.#callers.limits?.received(context.principal, bytes);
    return context;
  }

  /** Runs a stream until its end, or until its caller is not authenticated any more. */
  async #whileAdmitted(
    call: AnyCall,
    method: GrpcMethod,
    context: GrpcContext,
    end: CallEnd,
    run: () => Promise<void>,
  ): Promise<void> {
    let stop: (() => void) | undefined;
    const rejected = new Promise<never>((_resolve, reject) => {
      stop = watchCaller(context, method, this.#callers, credentialsOf(call), reject);
    });
    end.signal.addEventListener('abort', () => stop?.());
    try {
      await Promise.race([run(), rejected]);
    } catch (thrown) {
      end.abort();
      throw thrown;
    } finally {
      stop?.();
    }
  }

  /** Reports the end of a call once; the signal aborts when its caller no longer waits. */
  #endOf(path: string, call: AnyCall): CallEnd {
    const startedMs = performance.now();
    const abort = new AbortController();
    let isEnded = false;
    const end = (code: number): void => {
      if (isEnded) return;
      isEnded = true;
      this.#options.responded(path, code, performance.now() - startedMs);
    };
    call.on('cancelled', () => {
      end(leftMs(call) <= 0 ? GRPC_STATUS.deadlineExceeded : GRPC_STATUS.cancelled);
      abort.abort();
    });
    return { signal: abort.signal, abort: () => abort.abort(), with: end };
  }

  #errorOf(thrown: unknown, path: string): GrpcError {
    if (thrown instanceof GrpcError) return thrown;
    const error = HoldfastError.from(thrown);
    if (error.code === 'internal') logDefect(this.#options.log, path, error);
    return GrpcError.from(error);
  }
}

type AnyCall = EventEmitter &
  Pick<grpc.ServerUnaryCall<Buffer, Uint8Array>, 'getAuthContext' | 'getDeadline' | 'getPeer' | 'metadata'>;

/** The end of a call. The signal aborts when its caller no longer waits, or `abort` is called. */
interface CallEnd {
  readonly signal: AbortSignal;
  readonly abort: () => void;
  readonly with: (code: number) => void;
}

function credentialsOf(call: AnyCall): Credentials {
  const authorization = call.metadata.get('authorization').join();
  const certificate = call.getAuthContext().sslPeerCertificate;
  return {
    ...(authorization !== '' && { authorization }),
    remoteAddress: addressOf(call.getPeer()),
    ...(certificate !== undefined && { clientCertificate: describe(new X509Certificate(certificate.raw)) }),
  };
}

/** The address of a peer, which the library writes with its port. */
const addressOf = (peer: string): string => peer.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');

const asIs = (bytes: Buffer): Buffer => bytes;
const bytesOf = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Milliseconds until the caller's deadline; Infinity without one. */
function leftMs(call: AnyCall): number {
  const deadline = call.getDeadline();
  return (deadline instanceof Date ? deadline.getTime() : deadline) - Date.now();
}

function contextOf(call: AnyCall, signal: AbortSignal): GrpcContext {
  const timeoutMs = leftMs(call);
  const field = (name: string): string | undefined => {
    // The library takes the field out of the metadata.
    if (name === 'grpc-timeout') return timeoutMs === Infinity ? undefined : formatGrpcTimeout(timeoutMs);
    const [value, ...more] = call.metadata.get(name);
    return typeof value === 'string' && more.length === 0 ? value : undefined;
  };
  return new GrpcContext({ field }, performance.now(), signal);
}

function statusOf({ code, message, details }: GrpcError): Partial<grpc.StatusObject> & Error {
  const metadata = new grpc.Metadata();
  for (const [name, value] of Object.entries(details)) metadata.set(name, encodeGrpcMessage(value));
  // The library encodes the message, and does not bound it.
  return Object.assign(new Error(message), { code, details: decodeGrpcMessage(encodeGrpcMessage(message)), metadata });
}

function drained(call: EventEmitter): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      call.off('drain', done);
      call.off('cancelled', done);
      resolve();
    };
    call.on('drain', done);
    call.on('cancelled', done);
  });
}
