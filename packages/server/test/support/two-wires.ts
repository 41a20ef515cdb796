import type { ApiV1, Invoke } from '@holdfast/api';
import {
  API_ROOT,
  httpRequestsOf,
  type InputOf,
  type OperationName,
  operationOf,
  pathFieldsOf,
} from '@holdfast/protocol';
import { SILENT } from '@holdfast/server';
import { GrpcServer } from '../../src/grpc/grpc-server.ts';
import { v1Methods } from '../../src/grpc/v1/v1-methods.ts';
import { Router } from '../../src/http/router.ts';
import { HttpServer } from '../../src/http/server.ts';
import { v1Routes } from '../../src/http/v1-routes.ts';
import { GrpcClient, type GrpcResponse } from './grpc-client.ts';
import { TestClient, type TestResponse } from './running-server.ts';

/** An input of any operation. */
export type CallInput = Readonly<Record<string, unknown>> & {
  readonly query?: Readonly<Record<string, unknown>>;
  readonly body?: Readonly<Record<string, unknown>>;
};

type Behave = (name: OperationName, ...call: Parameters<Invoke>) => Promise<unknown>;

/** `/api/v1` over HTTP and over gRPC, with operations that a test carries out. */
export class TwoWires implements AsyncDisposable {
  behave: Behave = () => Promise.resolve({});
  readonly #http: HttpServer;
  readonly #grpc: GrpcServer;
  readonly #httpClient: TestClient;
  readonly #grpcClient: GrpcClient;

  private constructor(http: HttpServer, grpc: GrpcServer, url: string, address: string) {
    this.#http = http;
    this.#grpc = grpc;
    this.#httpClient = new TestClient(url);
    this.#grpcClient = new GrpcClient(address, 'holdfast');
    const api: Pick<ApiV1, 'invokeOf'> = {
      invokeOf:
        (name) =>
        (...call) =>
          this.behave(name, ...call),
    };
    http.use(new Router(v1Routes(api)));
    grpc.use(v1Methods(api, () => {}));
  }

  static async start(): Promise<TwoWires> {
    const responded = (): void => {};
    const http = new HttpServer({ log: SILENT, maxBodyBytes: 1_000_000, maxConnections: 100, responded });
    const grpc = new GrpcServer({ log: SILENT, maxMessageBytes: 1_000_000, maxConnections: 100, responded });
    return new TwoWires(http, grpc, await http.listen('127.0.0.1', 0), await grpc.listen('127.0.0.1', 0));
  }

  /** Sends a call over HTTP. */
  http(name: OperationName, input: CallInput, waitMs = 0): Promise<TestResponse> {
    const { method, path, query, body } = httpRequestsOf(name)(input as InputOf<OperationName>);
    const search = new URLSearchParams();
    for (const [field, value] of Object.entries(query)) if (value !== undefined) search.set(field, String(value));
    if (waitMs > 0) search.set('waitMs', String(waitMs));
    return this.#httpClient.request(method, `${API_ROOT}${path}?${search.toString()}`, body);
  }

  /** Sends a call over gRPC. */
  grpc(name: OperationName, request: object): Promise<GrpcResponse> {
    return this.#grpcClient.call(name.charAt(0).toUpperCase() + name.slice(1), request);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#grpcClient[Symbol.dispose]();
    await Promise.all([this.#http.close(), this.#grpc.close()]);
  }
}

/** The input that reached an operation, without what differs between wires without a meaning. */
export function seenInput(name: OperationName, input: Parameters<Invoke>[1]): unknown {
  const { query, body } = input;
  const operation = operationOf(name);
  const pairs = query instanceof URLSearchParams ? [...query] : Object.entries(query ?? {});
  const given = pairs.filter(([field, value]) => field !== 'waitMs' && value !== undefined && value !== '');
  const path = pathFieldsOf(operation).map((field) => [field, input[field]]);
  return {
    ...Object.fromEntries(path),
    query: Object.fromEntries(given.map(([field, value]) => [field, String(value)])),
    // With default values.
    body: operation.body?.safeParse(body).data ?? body ?? {},
  };
}
