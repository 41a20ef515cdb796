import { dtmRoutes } from '../../src/http/dtm-routes.ts';
import { jsonRpcRoute } from '../../src/http/json-rpc.ts';
import { operationsRoutes } from '../../src/http/operations.ts';
import { Router } from '../../src/http/router.ts';
import { logDefect } from '../../src/logs/log.ts';
import { HttpServer, type RequestReader } from '../../src/http/server.ts';
import { v1Routes } from '../../src/http/v1-routes.ts';
import { ConnectionPools, createBranchRegistry, LocalBranches } from '@holdfast/branches';
import type { Coordinator } from '@holdfast/core';
import type { DtmBranchAnswer, DtmKeyValueAnswer, DtmProgressAnswer, DtmTransactionAnswer } from '@holdfast/protocol';
import { Admission, AdmittedCoordinator, ApiV1, DtmService } from '@holdfast/api';
import {
  type Log,
  SILENT,
  startServer,
  type RunningServer,
  type ServerConfig,
  type ServerParts,
} from '@holdfast/server';

export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body as JSON; undefined when it is none. */
  readonly json: AnyBody;
  /** The same, where it is a list. */
  readonly list: readonly AnyBody[];
}

/** Any response of the transports; a test asserts its contents. */
export interface AnyBody {
  readonly gid: string;
  readonly dtm_result: string;
  readonly message: string;
  readonly status: string;
  readonly code: string;
  readonly field: string;
  readonly nearest: string;
  readonly rollbackReason: string;
  readonly transaction: DtmTransactionAnswer;
  readonly branches: readonly DtmBranchAnswer[];
  readonly progresses: readonly DtmProgressAnswer[];
  readonly transactions: readonly DtmTransactionAnswer[];
  readonly next_position: string;
  readonly kv: readonly DtmKeyValueAnswer[];
  readonly items: readonly AnyBody[];
  readonly id: unknown;
  readonly result: unknown;
  readonly error: { readonly code: number; readonly message: string; readonly data: unknown };
}

/** Sends requests to a server under test. */
export class TestClient {
  readonly url: string;

  constructor(url: string) {
    this.url = url;
  }

  async ask(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answered> {
    const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
    const response = await fetch(this.url + path, { method, headers, ...(text !== undefined && { body: text }) });
    const answer = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      text: answer,
      json: jsonOf(answer) as AnyBody,
      list: jsonOf(answer) as AnyBody[],
    };
  }

  get(path: string): Promise<Answered> {
    return this.ask('GET', path);
  }

  post(path: string, body?: unknown): Promise<Answered> {
    return this.ask('POST', path, body);
  }

  /** A call of dtm's REST. */
  dtm(call: string, body: unknown): Promise<Answered> {
    return this.post(`/api/dtmsvr/${call}`, body);
  }

  rpc(method: string, params?: unknown, id: unknown = 'x'): Promise<Answered> {
    return this.post('/api/json-rpc', { jsonrpc: '2.0', id, method, params });
  }

  /** The transaction as dtm's `query` shows it. */
  async query(gid: string): Promise<Pick<AnyBody, 'transaction' | 'branches'>> {
    return (await this.get(`/api/dtmsvr/query?gid=${encodeURIComponent(gid)}`)).json;
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A whole coordinator on the memory store, on a free port. */
export class TestServer extends TestClient implements AsyncDisposable {
  readonly running: RunningServer;

  private constructor(running: RunningServer) {
    super(running.url);
    this.running = running;
  }

  static async start(values: Partial<ServerConfig> = {}, parts: ServerParts = {}): Promise<TestServer> {
    return new TestServer(await startServer({ store: 'memory:', httpPort: 0, drainTimeout: 0, ...values }, parts));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.running.close();
  }
}

interface TransportServerOptions {
  readonly maxBodyBytes?: number;
  readonly log?: Log;
  readonly requestReader?: RequestReader;
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
    { maxBodyBytes = 64 * 1024, log = SILENT, requestReader = 'own' }: TransportServerOptions = {},
  ): Promise<TransportServer> {
    const http = new HttpServer({
      log,
      maxBodyBytes,
      maxConnections: 100,
      requestReader,
      answered: () => {},
    });
    const registry = createBranchRegistry({ pools: new ConnectionPools(), locals: new LocalBranches() });
    const admitted = new AdmittedCoordinator(coordinator as Coordinator, new Admission(registry));
    const description = {
      store: { name: 'fake', durable: false, exclusive: false },
      version: '0.0.0',
      node: 'test',
      uptimeMs: () => 1,
    };
    const dtm = new DtmService({ coordinator: admitted, version: '0.0.0', defaultResetAfterMs: 105_000 });
    http.use(
      new Router([
        ...dtmRoutes(dtm),
        jsonRpcRoute(dtm, (error) => logDefect(log, '/api/json-rpc', error)),
        ...v1Routes(new ApiV1({ coordinator: admitted, description })),
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
