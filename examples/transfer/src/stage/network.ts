import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import type { Failure } from './failure.ts';
import { Listener } from './listener.ts';

/** A branch call, as seen by the network in front of the bank. */
export interface SeenCall {
  /** When the call ended. */
  readonly atMs: number;
  readonly durationMs: number;
  readonly path: string;
  readonly branchId: string;
  readonly op: string;
  /** Undefined: the caller received no response. */
  readonly httpStatus: number | undefined;
  /** The text of the response, or a description of the failure. */
  readonly text: string;
}

interface Call {
  readonly method: string;
  /** Includes the query string. */
  readonly url: string;
  readonly body: string;
}

interface BankResponse {
  readonly httpStatus: number;
  readonly body: string;
}

/**
 * The network in front of a bank. It forwards calls, and loses responses, rejects connections or
 * delays calls, depending on the failure.
 */
export class Network {
  /** The calls of the bank, in the order of their responses. */
  readonly seen: SeenCall[] = [];
  readonly #failure: Failure;
  readonly #bankUrl: string;
  readonly #listener = new Listener((request, response) => void this.#pass(request, response));
  readonly #known = new Set<string>();
  readonly #heldUp: Call[] = [];

  constructor(failure: Failure, bankUrl: string) {
    this.#failure = failure;
    this.#bankUrl = bankUrl;
  }

  /** The URL of the bank, as the coordinator sees it. */
  get url(): string {
    return this.#listener.url;
  }

  async open(): Promise<void> {
    await this.#listener.open();
    // From now on, connections are rejected.
    if (this.#failure === 'down') await this.#listener.close();
  }

  /** Accepts connections again. */
  async comeBack(): Promise<void> {
    await this.#listener.open();
  }

  /** Forwards the delayed calls; resolves to these calls with their results. */
  async deliverLate(): Promise<readonly SeenCall[]> {
    const late: SeenCall[] = [];
    for (const call of this.#heldUp.splice(0)) {
      const startedAtMs = Date.now();
      late.push(this.#seen(call, startedAtMs, await this.#forward(call)));
    }
    return late;
  }

  close(): Promise<void> {
    return this.#listener.close();
  }

  async #pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const startedAtMs = Date.now();
      const { method = '', url = '' } = request;
      const call = { method, url, body: await text(request) };
      const isFirst = this.#isFirst(call);
      if (isFirst && this.#failure === 'late') {
        // The caller receives no response and times out.
        this.#heldUp.push(call);
        this.seen.push(this.#seen(call, startedAtMs, 'delayed in the network'));
        return;
      }
      const forwarded = await this.#forward(call);
      const isLost = isFirst && this.#failure === 'lost-response';
      this.seen.push(this.#seen(call, startedAtMs, isLost ? 'done, but the response is lost' : forwarded));
      if (isLost) response.destroy();
      else response.writeHead(forwarded.httpStatus, { 'content-type': 'application/json' }).end(forwarded.body);
    } catch {
      // The caller or the bank closed the connection.
      response.destroy();
    }
  }

  /** Whether this is the first call of its kind for a branch; queries do not count. */
  #isFirst({ method, url }: Call): boolean {
    const { pathname, searchParams } = new URL(url, this.#bankUrl);
    const what = `${pathname} ${searchParams.get('op')}`;
    if (method === 'GET' || this.#known.has(what)) return false;
    this.#known.add(what);
    return true;
  }

  async #forward({ method, url, body }: Call): Promise<BankResponse> {
    const headers = { 'content-type': 'application/json' };
    const forwarded = await fetch(this.#bankUrl + url, method === 'GET' ? { headers } : { method, headers, body });
    return { httpStatus: forwarded.status, body: await forwarded.text() };
  }

  #seen({ url }: Call, startedAtMs: number, response: BankResponse | string): SeenCall {
    const { pathname, searchParams } = new URL(url, this.#bankUrl);
    const atMs = Date.now();
    return {
      atMs,
      durationMs: atMs - startedAtMs,
      path: pathname,
      branchId: searchParams.get('branch_id') ?? '',
      op: searchParams.get('op') ?? '',
      ...(typeof response === 'string'
        ? { httpStatus: undefined, text: response }
        : { httpStatus: response.httpStatus, text: response.body }),
    };
  }
}
