import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

export type Listener = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** A small HTTP server that can be switched off and on again, to simulate an outage. */
export class HttpService {
  readonly name: string;
  readonly port: number;
  readonly #routes: Readonly<Record<string, Listener>>;
  #server: Server | undefined;

  /** @param routes by method and path, such as `POST /stock/take` */
  constructor(name: string, port: number, routes: Readonly<Record<string, Listener>>) {
    this.name = name;
    this.port = port;
    this.#routes = routes;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** @throws if the port cannot be opened, such as with EADDRINUSE */
  async switchOn(): Promise<void> {
    const server = createServer((request, response) => void this.#serve(request, response));
    server.listen(this.port, '127.0.0.1');
    await once(server, 'listening');
    this.#server = server;
  }

  /** Stops listening and cuts open connections. */
  async switchOff(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? '/').replace(/\?.*$/, '');
    const listener = this.#routes[`${request.method} ${path}`];
    if (listener !== undefined) return listener(request, response);
    sendJson(response, 404, { message: `${this.name} serves ${Object.keys(this.#routes).join(', ')}` });
  }
}

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body, undefined, 2) + '\n');
}
