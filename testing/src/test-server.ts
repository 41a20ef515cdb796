import type {
  DtmBranchResponse,
  DtmKeyValueResponse,
  DtmProgressResponse,
  DtmTransactionResponse,
} from '@holdfast/protocol';
import { type RunningServer, type ServerConfig, type ServerParts, startServer } from '@holdfast/server';

export interface TestResponse {
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
  readonly detail: string;
  readonly namespace: string;
  readonly field: string;
  readonly nearest: string;
  readonly rollbackReason: string;
  readonly transaction: DtmTransactionResponse;
  readonly branches: readonly DtmBranchResponse[];
  readonly progresses: readonly DtmProgressResponse[];
  readonly transactions: readonly DtmTransactionResponse[];
  readonly next_position: string;
  readonly kv: readonly DtmKeyValueResponse[];
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

  async request(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<TestResponse> {
    const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
    const response = await fetch(this.url + path, { method, headers, ...(text !== undefined && { body: text }) });
    const received = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      text: received,
      json: jsonOf(received) as AnyBody,
      list: jsonOf(received) as AnyBody[],
    };
  }

  get(path: string): Promise<TestResponse> {
    return this.request('GET', path);
  }

  post(path: string, body?: unknown): Promise<TestResponse> {
    return this.request('POST', path, body);
  }

  /** A call of dtm's REST. */
  dtm(call: string, body: unknown): Promise<TestResponse> {
    return this.post(`/api/dtmsvr/${call}`, body);
  }

  rpc(method: string, params?: unknown, id: unknown = 'x'): Promise<TestResponse> {
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
