import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Seen {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export type Responder = (response: ServerResponse, seen: Seen) => void;

/** A participant on a real port that records its requests. */
export class BranchServer implements AsyncDisposable {
  readonly seen: Seen[] = [];
  respond: Responder = (response) => response.end('{"dtm_result":"SUCCESS"}');
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(respond?: Responder): Promise<BranchServer> {
    const server = createServer();
    const self = new BranchServer(server);
    if (respond !== undefined) self.respond = respond;
    server.on('request', (request, response) => void self.#serve(request, response));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return self;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const url = new URL(request.url ?? '', this.url);
    const seen = { method: request.method ?? '', url, headers: request.headers, body };
    this.seen.push(seen);
    this.respond(response, seen);
  }
}

/** Responds to every request with this status and body. */
export const always =
  (status: number, body = ''): Responder =>
  (response) =>
    response.writeHead(status).end(body);
