import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** How the first call fails: read and then cut off, or with a response of 503. */
export type FirstResponse = 'cut off' | 503;

/**
 * Two upstreams that replace coordinators. The first call to either of them fails; all others
 * succeed, with what was sent in the response.
 */
export class BreakingNodes {
  /** Calls received, such as `POST /api/json-rpc`. */
  readonly seen: { readonly call: string; readonly headers: IncomingMessage['headers']; readonly body: string }[] = [];
  readonly #servers: readonly Server[];
  readonly #first: FirstResponse;

  private constructor(first: FirstResponse) {
    this.#first = first;
    this.#servers = [0, 1].map(() =>
      createServer((request, response) => void this.#serve(request, response)).listen(0, '127.0.0.1'),
    );
  }

  static async start(first: FirstResponse): Promise<BreakingNodes> {
    const nodes = new BreakingNodes(first);
    await Promise.all(nodes.#servers.map((server) => once(server, 'listening')));
    return nodes;
  }

  get ports(): readonly [number, number] {
    const [a = 0, b = 0] = this.#servers.map((server) => (server.address() as AddressInfo).port);
    return [a, b];
  }

  async close(): Promise<void> {
    const closed = this.#servers.map((server) => once(server, 'close'));
    for (const server of this.#servers) {
      server.close();
      server.closeAllConnections();
    }
    await Promise.all(closed);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // Not a call of the test: nginx checks whether the node is healthy.
    if (request.url === '/healthz') return void response.end('{}');
    let body = '';
    for await (const chunk of request) body += String(chunk);
    this.seen.push({ call: `${request.method} ${request.url}`, headers: request.headers, body });
    if (this.seen.length > 1) response.end('{"dtm_result":"SUCCESS"}');
    else if (this.#first === 'cut off') request.socket.destroy();
    else response.writeHead(503, { 'Retry-After': '1' }).end('{"code":"unavailable"}');
  }
}
