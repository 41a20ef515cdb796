import { EventEmitter, once } from 'node:events';
import { createServer, type IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  branchRegistrationRequest,
  isFinal,
  type ProblemDetails,
  type Status,
  type TransactionDetails,
  transactionRequest,
} from '@holdfast/protocol';

/** What happens to a request instead of, or after, its handling. */
export type Fault =
  | 'none'
  /** The connection breaks before the request is handled. */
  | 'lost-request'
  /** The request is handled, and the response is lost. */
  | 'lost-response'
  /** 503: temporarily unavailable. */
  | 'unavailable'
  /** 429: a limit is reached, until 300 ms later. */
  | 'limited'
  /** 429 of a proxy, until 1 s later. */
  | 'limited-by-proxy'
  /** 429: a limit is reached, until an hour later. */
  | 'limited-for-long'
  /** 504: the deadline has passed, and no change was started. */
  | 'not-started'
  /** The request is handled, and the response is 504: the outcome is unknown. */
  | 'unknown-outcome'
  /** There is no response, and the request is not handled. */
  | 'hang'
  /** The response is not held back, as by a coordinator with too many waiters. */
  | 'no-wait'
  /** 400: the request is not allowed, by a rule that is checked before its gid is looked up. */
  | 'not-allowed'
  /** 500 with a problem of the code `internal`. */
  | 'defect'
  /** 200 with a page of HTML. */
  | 'html';

export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly query: Record<string, string>;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: unknown;
}

/**
 * Holdfast's own API over a Map, with faults on demand. Transactions do not run: a test sets their
 * status.
 */
export class FakeCoordinator {
  readonly transactions = new Map<string, TransactionDetails>();
  /** The subscribers' URLs by topic. */
  readonly topics = new Map<string, Set<string>>();
  readonly requests: SeenRequest[] = [];
  /** The faults of the next requests, in order. */
  readonly faults: Fault[] = [];
  /** The status of a transaction immediately after its submission. */
  onSubmit: (transaction: TransactionDetails) => Partial<TransactionDetails> = () => ({});
  readonly #changes = new EventEmitter().setMaxListeners(0);
  readonly #server = createServer((request, response) => void this.#serve(request, response));
  url = '';

  async listen(port = 0): Promise<this> {
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
    return this;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  change(gid: string, change: Partial<TransactionDetails>): void {
    const current = this.transactions.get(gid);
    if (current === undefined) throw new Error(`no transaction ${gid}`);
    this.transactions.set(gid, { ...current, ...change });
    this.#changes.emit('change');
  }

  /** Resolves when a request with this method and path arrives. */
  async seen(method: string, path: string): Promise<void> {
    while (!this.requests.some((request) => request.method === method && request.path === path)) {
      await once(this.#changes, 'request');
    }
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = '';
    for await (const chunk of request) text += String(chunk);
    const url = new URL(request.url ?? '/', this.url);
    const seen: SeenRequest = {
      method: request.method ?? '',
      path: decodeURIComponent(url.pathname),
      query: Object.fromEntries(url.searchParams),
      headers: request.headers,
      body: text === '' ? undefined : JSON.parse(text),
    };
    this.requests.push(seen);
    this.#changes.emit('request');
    const fault = this.faults.shift() ?? 'none';
    if (fault === 'lost-request') return void request.socket.destroy();
    if (fault === 'unavailable') return this.#problem(response, 503, 'unavailable', 'the node is stopping');
    if (fault === 'limited') return this.#limited(response, 300);
    if (fault === 'limited-for-long') return this.#limited(response, 3_600_000);
    if (fault === 'limited-by-proxy') return void response.writeHead(429, { 'retry-after': '1' }).end('slow down');
    if (fault === 'not-started') return this.#late(response, 'not_started');
    if (fault === 'hang') return;
    if (fault === 'unknown-outcome') {
      await this.#handle(seen, new ServerResponse(request));
      return this.#late(response, 'unknown');
    }
    if (fault === 'not-allowed')
      return this.#problem(response, 400, 'invalid', 'is not a secret', { field: 'branchHeaders' });
    if (fault === 'defect') return this.#problem(response, 500, 'internal', 'a defect');
    if (fault === 'html') return void response.writeHead(200).end('<html>welcome</html>');
    if (fault === 'lost-response') response.end = () => (request.socket.destroy(), response);
    await this.#handle(fault === 'no-wait' ? { ...seen, query: { ...seen.query, waitMs: '0' } } : seen, response);
  }

  async #handle({ method, path, query, body }: SeenRequest, response: ServerResponse): Promise<void> {
    const [, , , resource, gid, verb] = path.split('/');
    if (resource === 'topics') return this.#changeTopic(method, gid ?? '', query, body, response);
    if (resource !== 'transactions') return this.#problem(response, 404, 'not_found', `no ${path}`);
    if (method === 'POST' && gid === undefined) return this.#create(body, query, response);
    if (gid === undefined) return this.#respond(response, { items: [...this.transactions.values()], next: 'more' });
    const transaction = this.transactions.get(gid);
    if (transaction === undefined) return this.#problem(response, 404, 'not_found', `no transaction ${gid}`, { gid });
    if (method === 'GET') return this.#whenFinal(gid, query, response);
    if (verb === 'submit') return this.#submit(gid, query, response);
    if (isFinal(transaction.status)) return this.#refuse(response, gid, transaction.status);
    if (verb === 'branches') return this.#register(transaction, body, response);
    if (verb === 'abort') {
      const status = transaction.pattern === 'msg' ? 'failed' : 'aborting';
      this.change(gid, { status, rollbackReason: (body as { reason: string }).reason });
    }
    if (verb === 'retry') this.change(gid, { dueAtMs: null });
    this.#respond(response, this.transactions.get(gid));
  }

  #limited(response: ServerResponse, retryAfterMs: number): void {
    this.#problem(response, 429, 'too_many_requests', 'the limit is reached', { retryAfterMs });
  }

  #register(transaction: TransactionDetails, body: unknown, response: ServerResponse): void {
    const { gid, status, branches } = transaction;
    if (status !== 'prepared') return this.#refuse(response, gid, status);
    const { branchId, confirm, cancel } = branchRegistrationRequest.parse(body) as Record<string, string>;
    const both = { ...branchOf(0, ''), branchId: branchId ?? '' };
    const added = [
      { ...both, op: 'cancel', url: cancel ?? '' },
      { ...both, op: 'confirm', url: confirm ?? '' },
    ];
    if (branches.every((branch) => branch.branchId !== branchId))
      this.change(gid, { branches: [...branches, ...added] });
    response.writeHead(204).end();
  }

  #changeTopic(
    method: string,
    topic: string,
    query: Record<string, string>,
    body: unknown,
    response: ServerResponse,
  ): void {
    const urls = this.topics.get(topic) ?? new Set();
    if (method === 'PUT') {
      const { url } = body as { readonly url: string };
      if (urls.has(url)) return this.#problem(response, 409, 'refused', `${url} subscribes ${topic} already`);
      this.topics.set(topic, urls.add(url));
    } else {
      const url = query['url'];
      const done = url === undefined ? this.topics.delete(topic) : urls.delete(url);
      if (!done) return this.#problem(response, 404, 'not_found', `there is no ${url ?? topic}`);
    }
    response.writeHead(204).end();
  }

  async #create(body: unknown, query: Record<string, string>, response: ServerResponse): Promise<void> {
    const parsed = transactionRequest.safeParse(body);
    if (!parsed.success) {
      const issue = parsed.error.issues[0];
      return this.#problem(response, 400, 'invalid', issue?.message ?? '', { field: issue?.path.join('.') ?? '' });
    }
    const { gid = '', pattern, steps, queryPrepared = '' } = parsed.data;
    const status = parsed.data.status ?? (pattern === 'tcc' ? 'prepared' : 'submitted');
    const found = this.transactions.get(gid);
    if (found === undefined) {
      const branches = steps.map((step, index) => branchOf(index, step.action));
      this.transactions.set(gid, { ...EMPTY, gid, pattern, status: 'prepared', queryPrepared, branches });
    } else if (status === 'prepared' && found.status !== 'prepared') {
      return this.#refuse(response, gid, found.status);
    }
    if (status === 'submitted') return this.#submit(gid, query, response);
    this.#respond(response, replyOf(this.transactions.get(gid) ?? EMPTY));
  }

  async #submit(gid: string, query: Record<string, string>, response: ServerResponse): Promise<void> {
    const found = this.transactions.get(gid) ?? EMPTY;
    if (found.status !== 'prepared' && found.status !== 'submitted') return this.#refuse(response, gid, found.status);
    if (found.status === 'prepared') this.change(gid, { status: 'submitted', ...this.onSubmit(found) });
    await this.#whenFinal(gid, query, response);
  }

  async #whenFinal(gid: string, query: Record<string, string>, response: ServerResponse): Promise<void> {
    const timeOut = AbortSignal.timeout(Number(query['waitMs'] ?? 0));
    try {
      while (!isFinal(this.transactions.get(gid)?.status ?? 'failed')) {
        await once(this.#changes, 'change', { signal: timeOut });
      }
    } catch (error) {
      if (!timeOut.aborted) throw error;
    }
    this.#respond(response, replyOf(this.transactions.get(gid) ?? EMPTY));
  }

  #refuse(response: ServerResponse, gid: string, transactionStatus: Status): void {
    this.#problem(response, 409, 'refused', `current status '${transactionStatus}'`, { gid, transactionStatus });
  }

  #problem(
    response: ServerResponse,
    status: number,
    code: string,
    detail: string,
    more: Partial<ProblemDetails> = {},
  ): void {
    response.writeHead(status, { 'content-type': 'application/problem+json' });
    response.end(JSON.stringify({ type: 'about:blank', title: code, status, detail, code, ...more }));
  }

  #late(response: ServerResponse, outcome: 'not_started' | 'unknown'): void {
    this.#problem(response, 504, 'deadline_exceeded', 'the deadline of the request has passed', { outcome });
  }

  #respond(response: ServerResponse, body: unknown): void {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body));
  }
}

const EMPTY: TransactionDetails = {
  namespace: 'default',
  gid: '',
  pattern: 'saga',
  status: 'prepared',
  rollbackReason: '',
  attention: false,
  parked: '',
  stopped: '',
  damaged: '',
  createdAtMs: 1,
  updatedAtMs: 1,
  finishedAtMs: null,
  dueAtMs: null,
  owner: null,
  version: 1,
  result: '',
  queryPrepared: '',
  branches: [],
  remainingEffects: [],
  timeline: [],
  timelineOmitted: 0,
};

/** Includes the result of the last call, like the response to a submit. */
function replyOf(transaction: TransactionDetails): TransactionDetails & { lastResult: unknown } {
  const call = transaction.timeline.findLast((entry) => entry.kind === 'call');
  return { ...transaction, lastResult: call === undefined ? null : { kind: call.result, reason: call.reason } };
}

const branchOf = (index: number, url: string) => ({
  branchId: String(index + 1).padStart(2, '0'),
  op: 'action',
  url,
  status: 'prepared' as const,
  started: false,
  attempts: 0,
  nextAttemptAtMs: 0,
  finishedAtMs: 0,
});
