import { fileURLToPath } from 'node:url';
import grpc from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

/** The end of a call: its response, or its status. */
export interface GrpcResponse {
  readonly code: number;
  readonly message: string;
  readonly trailers: Readonly<Record<string, string | Buffer>>;
  // The response of any method; a test asserts its contents.
  readonly value: Readonly<Record<string, unknown>>;
}

export interface CallOptions {
  readonly timeoutMs?: number;
  readonly metadata?: Readonly<Record<string, string>>;
}

const protoFile = (name: string): string => fileURLToPath(new URL(`../../../protocol/proto/${name}`, import.meta.url));

/** The published services, and whether the fields of requests have the names of their files. */
const SERVICES = {
  dtm: { name: 'dtmgimp.Dtm', file: protoFile('dtmgimp.proto'), keepCase: true },
  // The library converts names by default: `timeout_to_fail_ms` becomes `timeoutToFailMs`.
  holdfast: { name: 'holdfast.v1.Holdfast', file: protoFile('holdfast/v1/holdfast.proto'), keepCase: false },
} as const;

/** A service, called by the library `@grpc/grpc-js` with the published `.proto` file. */
export class GrpcClient implements Disposable {
  readonly #client: grpc.Client;
  readonly #methods: Readonly<Record<string, grpc.MethodDefinition<object, object>>>;

  /** @param ca PEM of the authority that verifies the server; absent: without TLS */
  constructor(address: string, service: keyof typeof SERVICES = 'dtm', ca?: string) {
    const { name, file, keepCase } = SERVICES[service];
    const loaded = loadSync(file, { keepCase, defaults: true, longs: Number });
    this.#methods = loaded[name] as Record<string, grpc.MethodDefinition<object, object>>;
    const credentials =
      ca === undefined ? grpc.credentials.createInsecure() : grpc.credentials.createSsl(Buffer.from(ca));
    this.#client = new grpc.Client(address, credentials, { 'grpc.enable_retries': 0 });
  }

  /** The methods in the published file. */
  get methods(): readonly string[] {
    return Object.keys(this.#methods);
  }

  call(method: string, request: object = {}, { timeoutMs, metadata = {} }: CallOptions = {}): Promise<GrpcResponse> {
    const found = this.#methods[method];
    if (found === undefined) throw new Error(`there is no method ${method}`);
    const sent = new grpc.Metadata();
    for (const [name, value] of Object.entries(metadata)) sent.set(name, value);
    const options = timeoutMs === undefined ? {} : { deadline: Date.now() + timeoutMs };
    return new Promise((resolve) => {
      this.#client.makeUnaryRequest(
        found.path,
        found.requestSerialize,
        found.responseDeserialize,
        request,
        sent,
        options,
        (error, value) => {
          if (error === null) return resolve({ code: 0, message: '', trailers: {}, value: { ...value } });
          resolve({ code: error.code, message: error.details, trailers: error.metadata.getMap(), value: {} });
        },
      );
    });
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }
}
