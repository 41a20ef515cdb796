import { dtmRoutes } from '../../src/http/dtm-routes.ts';
import { jsonRpcRoute } from '../../src/http/json-rpc.ts';
import { operationsRoutes } from '../../src/http/operations.ts';
import { Router } from '../../src/http/router.ts';
import { logDefect } from '../../src/logs/log.ts';
import { HttpServer, type RequestReader } from '../../src/http/server.ts';
import { v1Routes } from '../../src/http/v1-routes.ts';
import { ConnectionPools, createBranchRegistry, LocalBranches } from '@holdfast/branches';
import type { Coordinator } from '@holdfast/core';
import {
  Admission,
  AdmittedCoordinator,
  ApiV1,
  type AuditLog,
  type CallHooks,
  DtmService,
  type TokenBook,
} from '@holdfast/api';
import { type Log, SILENT } from '@holdfast/server';
import { TestClient } from '@holdfast/testing/test-server';

export { type AnyBody, type TestResponse, TestClient, TestServer } from '@holdfast/testing/test-server';

interface TransportServerOptions {
  readonly maxBodyBytes?: number;
  readonly log?: Log;
  readonly requestReader?: RequestReader;
  readonly hooks?: CallHooks;
  readonly tokens?: TokenBook;
  readonly audit?: AuditLog;
}

/** The transports over a coordinator with the operations of a test; all others throw. */
export class TransportServer extends TestClient implements AsyncDisposable {
  readonly #http: HttpServer;

  private constructor(url: string, http: HttpServer) {
    super(url);
    this.#http = http;
  }

  static async start(
    coordinator: Partial<Coordinator>,
    { maxBodyBytes = 64 * 1024, log = SILENT, requestReader = 'own', hooks, ...parts }: TransportServerOptions = {},
  ): Promise<TransportServer> {
    const http = new HttpServer({
      log,
      maxBodyBytes,
      maxConnections: 100,
      requestReader,
      responded: () => {},
    });
    const registry = createBranchRegistry({ pools: new ConnectionPools(), locals: new LocalBranches() });
    // Nothing is stored, so no request repeats an earlier one.
    const nothing: Partial<Coordinator> = {
      repeats: () => Promise.resolve(false),
      get: () => Promise.resolve(undefined),
    };
    const whole = new Proxy(coordinator, {
      get: (_, name): unknown => Reflect.get(coordinator, name) ?? Reflect.get(nothing, name),
    }) as Coordinator;
    const admitted = new AdmittedCoordinator(whole, new Admission(registry));
    const description = {
      store: { name: 'fake', durable: false, exclusive: false },
      version: '0.0.0',
      node: 'test',
      uptimeMs: () => 1,
    };
    const dtm = new DtmService({ coordinator: admitted, version: '0.0.0', defaultResetAfterMs: 105_000 }, hooks);
    http.use(
      new Router([
        ...dtmRoutes(dtm),
        jsonRpcRoute(dtm, (error) => logDefect(log, '/api/json-rpc', error)),
        ...v1Routes(new ApiV1({ coordinator: admitted, description, ...parts }, hooks)),
        ...operationsRoutes(admitted, {
          version: '0.0.0',
          metrics: () => Promise.resolve({ parts: ['x 1\n'], contentType: 'text/plain' }),
          readyTimeoutMs: 20,
        }),
      ]),
    );
    return new TransportServer(await http.listen('127.0.0.1', 0), http);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#http.close();
  }
}
