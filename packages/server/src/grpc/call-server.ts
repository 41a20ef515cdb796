import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { HoldfastError } from '@holdfast/protocol';
import { encodeGrpcMessage, GRPC_STATUS } from '@holdfast/protocol/grpc';
import { type Log, logDefect } from '../logs/log.ts';
import { GrpcContext } from './grpc-context.ts';
import { GrpcError } from './grpc-error.ts';
import type { GrpcMethod, StreamMethod, UnaryMethod } from './grpc-method.ts';
import { GRPC_SERVER_SETTINGS } from './grpc-settings.ts';
import { framed, MessageReader } from './message-reader.ts';
import { RequestQueue } from './request-queue.ts';

export interface CallServerOptions {
  readonly log: Log;
  readonly maxMessageBytes: number;
  readonly responded: (path: string, status: number, durationMs: number) => void;
}

const STARTING = new GrpcError(GRPC_STATUS.unavailable, 'the coordinator is starting');
const LEAVING = new GrpcError(GRPC_STATUS.unavailable, 'the coordinator is shutting down');
/** The path under which calls of unknown methods are counted, since their number is unbounded. */
const NO_METHOD = '(none)';
const GRPC_TYPE = 'application/grpc';
const RESPONSE_HEADERS = { ':status': 200, 'content-type': GRPC_TYPE } as const;

/** Serves the calls of all connections. */
export class CallServer {
  readonly #options: CallServerOptions;
  readonly #receiving = new Set<Call>();
  readonly #streams = new Set<Call>();
  #methods: ReadonlyMap<string, GrpcMethod> | undefined;
  /** Bytes of incomplete messages. */
  #heldBytes = 0;

  constructor(options: CallServerOptions) {
    this.#options = options;
  }

  use(methods: readonly GrpcMethod[]): void {
    this.#methods = new Map(methods.map((method) => [method.path, method]));
  }

  serve(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    // Without a listener, the reset of a stream by its client would end the process.
    stream.on('error', () => undefined);
    const fault = faultOfRequest(headers);
    if (fault !== undefined) {
      stream.respond({ ':status': fault }, { endStream: true });
      stream.close(NO_ERROR);
      return;
    }
    const path = String(headers[':path']);
    const method = this.#methods?.get(path);
    const call = new Call(stream, method?.path ?? NO_METHOD, headers, this.#options);
    if (method !== undefined) this.#begin(call, method);
    else call.end(this.#methods === undefined ? STARTING : unknownMethod(path));
  }

  /** Ends the calls whose requests take too long to arrive. */
  endLate(nowMs: number): void {
    const beforeMs = nowMs - GRPC_SERVER_SETTINGS.requestTimeoutMs;
    for (const call of this.#receiving) {
      if (call.startedMs > beforeMs) return;
      call.end(
        new GrpcError(
          GRPC_STATUS.deadlineExceeded,
          `the request was not complete after ${GRPC_SERVER_SETTINGS.requestTimeoutMs} ms`,
        ),
      );
    }
  }

  /** Ends the calls that only their callers would end. */
  endStreams(): void {
    for (const call of this.#streams) call.end(LEAVING);
  }

  #begin(call: Call, method: GrpcMethod): void {
    const reader = new MessageReader(this.#options.maxMessageBytes);
    const held = { bytes: 0 };
    const hold = (bytes: number): void => {
      this.#heldBytes += bytes - held.bytes;
      held.bytes = bytes;
    };
    const receiver = method.kind === 'unary' ? new OneRequest(call, method) : new ManyRequests(call, method);
    const calls = method.kind === 'unary' ? this.#receiving : this.#streams;
    calls.add(call);
    call.stream.on('data', (piece: Buffer) => {
      if (call.isEnded) return;
      try {
        for (const message of reader.push(piece)) receiver.received(message);
        hold(reader.heldBytes);
        // A message that came in one piece needs no room.
        if (reader.heldBytes > 0 && this.#heldBytes > GRPC_SERVER_SETTINGS.maxHeldBytes) throw tooManyBytes();
      } catch (error) {
        call.end(error);
      }
    });
    call.stream.once('end', () => {
      if (method.kind === 'unary') calls.delete(call);
      if (call.isEnded) return;
      if (reader.heldBytes > 0) call.end(truncated(reader.heldBytes));
      else receiver.completed();
    });
    call.stream.once('close', () => {
      hold(0);
      calls.delete(call);
      call.closed();
    });
    receiver.begin();
  }
}

/** One call, until its status is sent. */
export class Call {
  readonly stream: ServerHttp2Stream;
  readonly startedMs = performance.now();
  readonly context: GrpcContext;
  readonly #path: string;
  readonly #options: CallServerOptions;
  readonly #abort = new AbortController();
  #isEnded = false;

  constructor(stream: ServerHttp2Stream, path: string, headers: IncomingHttpHeaders, options: CallServerOptions) {
    this.stream = stream;
    this.#path = path;
    this.#options = options;
    const field = (name: string): string | undefined => {
      const value = headers[name];
      return typeof value === 'string' ? value : undefined;
    };
    this.context = new GrpcContext({ field }, this.startedMs, this.#abort.signal);
  }

  get #isClosed(): boolean {
    return this.stream.closed || this.stream.destroyed;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Sends the response and the status OK. */
  respond(message: Uint8Array): void {
    if (this.#isEnded || this.#isClosed) return;
    this.#ended(GRPC_STATUS.ok);
    this.stream.respond(RESPONSE_HEADERS, { waitForTrailers: true });
    this.stream.once('wantTrailers', () => this.stream.sendTrailers({ 'grpc-status': '0' }));
    this.stream.end(framed(message));
  }

  /** Ends the call with the status of an error, or OK. */
  end(thrown?: unknown): void {
    if (this.#isEnded || this.#isClosed) return;
    const error = thrown === undefined ? undefined : this.#errorOf(thrown);
    this.#ended(error?.code ?? GRPC_STATUS.ok);
    // A streaming method runs until then, if its call was ended by an error or by the server.
    this.#abort.abort();
    const trailers = trailersOf(error);
    if (!this.stream.headersSent) this.stream.respond({ ...RESPONSE_HEADERS, ...trailers }, { endStream: true });
    else {
      this.stream.once('wantTrailers', () => this.stream.sendTrailers(trailers));
      this.stream.end();
    }
    // The rest of the request is not needed: a client that still sends must stop.
    if (!this.stream.readableEnded) this.stream.close(NO_ERROR);
  }

  /** The stream is closed: the client has disconnected, or the call has ended. */
  closed(): void {
    if (this.#isEnded) return;
    this.#ended(GRPC_STATUS.cancelled);
    this.#abort.abort();
  }

  #ended(code: number): void {
    this.#isEnded = true;
    this.#options.responded(this.#path, code, performance.now() - this.startedMs);
  }

  #errorOf(thrown: unknown): GrpcError {
    if (thrown instanceof GrpcError) return thrown;
    const error = HoldfastError.from(thrown);
    if (error.code === 'internal') logDefect(this.#options.log, this.#path, error);
    return GrpcError.from(error);
  }
}

/** HTTP/2's code for the end of a stream without an error. */
const NO_ERROR = 0;

/** Receives the requests of one call. */
interface Receiver {
  begin(): void;
  received(message: Buffer): void;
  /** The client has sent everything. */
  completed(): void;
}

class OneRequest implements Receiver {
  readonly #call: Call;
  readonly #method: UnaryMethod;
  #request: Buffer | undefined;

  constructor(call: Call, method: UnaryMethod) {
    this.#call = call;
    this.#method = method;
  }

  begin(): void {}

  received(message: Buffer): void {
    if (this.#request !== undefined)
      throw new GrpcError(GRPC_STATUS.invalidArgument, 'the method takes one request, not several');
    this.#request = message;
  }

  completed(): void {
    if (this.#request === undefined)
      return this.#call.end(new GrpcError(GRPC_STATUS.invalidArgument, 'the request has no message'));
    void this.#run(this.#request);
  }

  async #run(request: Buffer): Promise<void> {
    try {
      this.#call.respond(await this.#method.call(this.#call.context, request));
    } catch (error) {
      this.#call.end(error);
    }
  }
}

class ManyRequests implements Receiver {
  readonly #call: Call;
  readonly #method: StreamMethod;
  readonly #requests: RequestQueue;

  constructor(call: Call, method: StreamMethod) {
    this.#call = call;
    this.#method = method;
    this.#requests = new RequestQueue(call.stream);
  }

  begin(): void {
    void this.#run();
  }

  received(message: Buffer): void {
    this.#requests.push(message);
  }

  completed(): void {
    this.#requests.end();
  }

  async #run(): Promise<void> {
    const { stream, signal } = this.#call;
    signal.addEventListener('abort', () => this.#requests.end());
    try {
      await this.#method.run({
        signal,
        requests: this.#requests,
        send: async (message) => {
          if (this.#call.isEnded || stream.destroyed) return;
          if (!stream.headersSent) stream.respond(RESPONSE_HEADERS, { waitForTrailers: true });
          if (!stream.write(framed(message))) await drained(stream);
        },
      });
      this.#call.end();
    } catch (error) {
      this.#call.end(error);
    }
  }
}

function drained(stream: ServerHttp2Stream): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      stream.off('drain', done);
      stream.off('close', done);
      resolve();
    };
    stream.on('drain', done);
    stream.on('close', done);
  });
}

/** The HTTP status for a request that is not gRPC. */
function faultOfRequest(headers: IncomingHttpHeaders): number | undefined {
  if (headers[':method'] !== 'POST') return 405;
  const type = headers['content-type'] ?? '';
  return type === GRPC_TYPE || type.startsWith(`${GRPC_TYPE}+`) || type.startsWith(`${GRPC_TYPE};`) ? undefined : 415;
}

function trailersOf(error: GrpcError | undefined): Record<string, string> {
  if (error === undefined) return { 'grpc-status': '0' };
  const trailers: Record<string, string> = {
    'grpc-status': String(error.code),
    'grpc-message': encodeGrpcMessage(error.message),
  };
  for (const [name, value] of Object.entries(error.details)) trailers[name] = encodeGrpcMessage(value);
  return trailers;
}

const unknownMethod = (path: string): GrpcError =>
  new GrpcError(GRPC_STATUS.unimplemented, `there is no method ${JSON.stringify(path.slice(0, 200))}`);

const truncated = (bytes: number): GrpcError =>
  new GrpcError(GRPC_STATUS.invalidArgument, `the request ended within a message, after ${bytes} of its bytes`);

const tooManyBytes = (): GrpcError =>
  new GrpcError(GRPC_STATUS.resourceExhausted, 'too many requests are being received at once; try again later', {
    'holdfast-code': 'overloaded',
  });
