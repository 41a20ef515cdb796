import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isFinal, type NodeList, type TopicPage, type TransactionDetails } from '@holdfast/protocol';

/** The coordinator's API over Maps; keeps the requests of the commands and their effects. */
export class FakeApi {
  readonly transactions = new Map<string, TransactionDetails>();
  readonly topics = new Map<string, TopicPage['items'][number]>();
  readonly orders: string[] = [];
  /** The requests so far, such as `GET /api/v1/topics/paid`. */
  readonly requests: string[] = [];
  nodes: NodeList = { items: [] };
  /** The response to every request, if set. */
  breakage: { readonly status: number; readonly body: string } | undefined;
  readonly #server = createServer((request, response) => void this.#serve(request, response));
  /** Transactions that one page examines: with a filter it may be short, or empty. */
  examined = Infinity;
  url = '';

  async listen(): Promise<this> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    this.url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
    return this;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = '';
    for await (const chunk of request) text += String(chunk);
    const body = text === '' ? {} : (JSON.parse(text) as Record<string, string>);
    const url = new URL(request.url ?? '/', this.url);
    this.requests.push(`${request.method} ${url.pathname}`);
    const reply = this.breakage ?? this.#respond(request.method ?? '', url, body);
    response.writeHead(reply.status, { 'content-type': 'application/json' }).end(reply.body);
  }

  #respond(method: string, url: URL, body: Record<string, string>): { status: number; body: string } {
    const [, , , resource, name, verb] = url.pathname.split('/').map(decodeURIComponent);
    if (resource === 'nodes') return ok(this.nodes);
    if (resource === 'topics') return this.#topics(method, url, name, body);
    if (name === undefined) return this.#page(url);
    const transaction = this.transactions.get(name);
    if (transaction === undefined) return problem(404, 'not_found', `no transaction ${name}`);
    if (verb === undefined) return ok(transaction);
    if (isFinal(transaction.status)) return problem(409, 'refused', `${name} is ${transaction.status}: too late`);
    this.orders.push([verb, name, ...Object.values(body)].join(' '));
    const status = verb === 'retry' ? transaction.status : verb === 'abort' ? 'aborting' : 'failed';
    return ok({ ...transaction, status });
  }

  #page(url: URL): { status: number; body: string } {
    const status = url.searchParams.get('status');
    const from = Number(url.searchParams.get('cursor') ?? 0);
    const to = from + Number(url.searchParams.get('limit'));
    const passes = (item: TransactionDetails): boolean => status === null || item.status === status;
    const all = [...this.transactions.values()];
    if (this.examined < Infinity) {
      const end = from + this.examined;
      return ok({ items: all.slice(from, end).filter(passes), next: end < all.length ? String(end) : null });
    }
    const found = all.filter(passes);
    return ok({ items: found.slice(from, to), next: to < found.length ? String(to) : null });
  }

  #topics(method: string, url: URL, name = '', body: Record<string, string> = {}): { status: number; body: string } {
    const topic = this.topics.get(name);
    if (method === 'GET' && name !== '')
      return topic === undefined ? problem(404, 'not_found', `no topic ${name}`) : ok(topic);
    if (method === 'GET') {
      // One a page, so that reading them all takes several requests.
      const all = [...this.topics.values()];
      const at = Number(url.searchParams.get('cursor') ?? 0);
      return ok({ items: all.slice(at, at + 1), next: at + 1 < all.length ? String(at + 1) : null });
    }
    const subscriber = { url: body['url'] ?? '', remark: body['remark'] ?? '' };
    if (method === 'PUT') {
      const subscribers = [...(topic?.subscribers ?? []), subscriber];
      this.topics.set(name, { topic: name, version: subscribers.length, subscribers });
      return { status: 204, body: '' };
    }
    if (topic === undefined) return problem(404, 'not_found', `no topic ${name}`);
    const gone = url.searchParams.get('url');
    if (gone === null) this.topics.delete(name);
    else this.topics.set(name, { ...topic, subscribers: topic.subscribers.filter((other) => other.url !== gone) });
    return { status: 204, body: '' };
  }
}

const ok = (body: unknown) => ({ status: 200, body: JSON.stringify(body) });

const problem = (status: number, code: string, detail: string) => ({
  status,
  body: JSON.stringify({ type: 'about:blank', title: code, status, detail, code }),
});
