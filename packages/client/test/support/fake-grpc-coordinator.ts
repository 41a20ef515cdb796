import { Metadata, type sendUnaryData, Server, ServerCredentials, type ServerUnaryCall, status } from '@grpc/grpc-js';
import type { OperationName } from '@holdfast/protocol';
import { holdfastPath, holdfastService, type OperationMessages } from '@holdfast/protocol/grpc';

/** A call as the coordinator received it. */
export interface ReceivedGrpc {
  readonly operation: OperationName;
  readonly metadata: Metadata;
  /** Milliseconds until the caller's deadline; Infinity: none. */
  readonly timeoutMs: number;
  /** Fields of the request's path, query and body. */
  readonly input: Readonly<Record<string, unknown>>;
}

/** The end of a call: a result, an error with trailers, bytes as they are, or none at all. */
export type GrpcEnd =
  | { readonly result: object }
  | {
      readonly code: number;
      readonly details?: string;
      readonly trailers?: Readonly<Record<string, string>>;
      readonly pushbackMs?: number;
    }
  | { readonly bytes: Buffer }
  | 'hang';

const asBytes = (bytes: Buffer): Buffer => bytes;
const readJson = (bytes: Uint8Array): unknown => JSON.parse(Buffer.from(bytes).toString()) as unknown;

/** The service `holdfast.v1` with the ends that a test determines. */
export class FakeGrpcCoordinator implements AsyncDisposable {
  readonly received: ReceivedGrpc[] = [];
  /** The end of each call; called after the call was received. */
  end: (call: ReceivedGrpc) => GrpcEnd = () => 'hang';
  /** How long the end of a call is held back, in ms. */
  later: (call: ReceivedGrpc) => number = () => 0;
  readonly #server = new Server();
  readonly port: number;
  readonly #credentials: ServerCredentials;
  readonly #host: string;

  private constructor(port: number, credentials: ServerCredentials, host: string) {
    this.port = port;
    this.#credentials = credentials;
    this.#host = host;
  }

  static async start(
    port = 0,
    credentials = ServerCredentials.createInsecure(),
    host = '127.0.0.1',
  ): Promise<FakeGrpcCoordinator> {
    const fake = new FakeGrpcCoordinator(port, credentials, host);
    return fake.#listen();
  }

  get url(): string {
    return `grpc://127.0.0.1:${this.port}`;
  }

  /** Ends the connections at once. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.forceShutdown();
  }

  async #listen(): Promise<FakeGrpcCoordinator> {
    for (const [name, messages] of Object.entries(holdfastService().operations)) {
      const method = {
        path: holdfastPath(messages),
        requestStream: false,
        responseStream: false,
        requestSerialize: asBytes,
        requestDeserialize: asBytes,
        responseSerialize: asBytes,
        responseDeserialize: asBytes,
      } as const;
      this.#server.addService(
        { [name]: method },
        {
          [name]: (call: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>) =>
            this.#serve(name as OperationName, call, callback),
        },
      );
    }
    const port = await new Promise<number>((resolve, reject) => {
      this.#server.bindAsync(`${this.#host}:${this.port}`, this.#credentials, (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      );
    });
    return Object.assign(this, { port });
  }

  #serve(operation: OperationName, call: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>): void {
    const messages = holdfastService().operations[operation];
    const { input } = messages.decodeInput(call.request, readJson);
    const timeoutMs = Number(call.getDeadline()) - Date.now();
    const received = { operation, metadata: call.metadata, input, timeoutMs };
    this.received.push(received);
    const end = this.end(received);
    if (end === 'hang') return;
    const laterMs = this.later(received);
    if (laterMs === 0) this.#respond(end, messages, callback);
    else setTimeout(() => this.#respond(end, messages, callback), laterMs);
  }

  #respond(end: Exclude<GrpcEnd, 'hang'>, messages: OperationMessages, callback: sendUnaryData<Buffer>): void {
    if ('result' in end) callback(null, messages.encodeResult(end.result));
    else if ('bytes' in end) callback(null, end.bytes);
    else {
      const metadata = new Metadata();
      for (const [name, value] of Object.entries(end.trailers ?? {})) metadata.set(`holdfast-${name}`, value);
      if (end.pushbackMs !== undefined) metadata.set('grpc-retry-pushback-ms', String(end.pushbackMs));
      callback({ code: end.code, details: end.details ?? status[end.code] ?? '', metadata });
    }
  }
}
