import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, Server as NetServer } from 'node:net';
import { HoldfastError } from '@holdfast/protocol';
import { HTTP_SERVER_LIMITS, HTTP_SERVER_SETTINGS } from '@holdfast/runtime';
import { type Log, logDefect } from '../logs/log.ts';
import { crossSiteFault } from './cross-site.ts';
import { replyOfMiss } from './misses.ts';
import { readBody } from './read-body.ts';
import { jsonReply, type Reply } from './reply.ts';
import { RequestContext } from './request-context.ts';
import type { Route, Router } from './router.ts';

export interface HttpServerOptions {
  readonly log: Log;
  readonly maxBodyBytes: number;
  readonly maxConnections: number;
  /** Told about each answer. */
  readonly answered: (route: string, status: number, durationMs: number) => void;
}

const STARTING = jsonReply(503, { message: 'the coordinator is starting' }, undefined, ['Retry-After', '1']);
/** What misses are counted under: their paths have no bound. */
const NO_ROUTE = '(none)';
const NO_QUERY = new URLSearchParams();
/** How long answers under way may take to leave after everything else has ended. */
const LAST_ANSWERS_MS = 1_000;

/** The HTTP transport: bounds, routes, errors; `node:http` and nothing between. */
export class HttpServer {
  readonly #options: HttpServerOptions;
  readonly #server: Server;
  #router: Router | undefined;
  /** Settles when the last connection is closed; set when it stops. */
  #closed: Promise<unknown> | undefined;

  constructor(options: HttpServerOptions) {
    this.#options = options;
    this.#server = createServer(HTTP_SERVER_SETTINGS, (request, response) => this.#onRequest(request, response));
    this.#server.maxHeadersCount = HTTP_SERVER_LIMITS.maxHeadersCount;
    this.#server.maxConnections = options.maxConnections;
  }

  /** Answers the URL it can be reached at. Throws what `listen` throws. */
  async listen(host: string, port: number): Promise<string> {
    this.#server.listen(port, host);
    await once(this.#server, 'listening');
    const { address, family, port: bound } = this.#server.address() as AddressInfo;
    return `http://${family === 'IPv6' ? `[${address}]` : address}:${bound}`;
  }

  /** From now on requests are answered by these routes; until then they are told to come back. */
  use(router: Router): void {
    this.#router = router;
  }

  /**
   * Takes no new connections; those that are open end with their next answer, which says so. An idle one stays open meanwhile: a request may be on its way
   * over it, and would be lost.
   */
  stopAccepting(): void {
    if (this.#closed !== undefined) return;
    this.#closed = once(this.#server, 'close');
    // The close of `node:http` would end the idle connections, too.
    NetServer.prototype.close.call(this.#server);
  }

  /** Waits until every connection has ended, so long at the most. */
  async emptied(timeoutMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, timeoutMs)));
    await Promise.race([this.#closed, late]);
    clearTimeout(timer);
  }

  /** Ends what is still open: at once what is idle, the rest when it is answered or its time is over. */
  async close(): Promise<void> {
    this.stopAccepting();
    this.#server.close();
    const impatient = setTimeout(() => this.#server.closeAllConnections(), LAST_ANSWERS_MS);
    await this.#closed;
    clearTimeout(impatient);
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    const url = request.url ?? '/';
    const mark = url.indexOf('?');
    const path = mark < 0 ? url : url.slice(0, mark);
    const fault = crossSiteFault(request.headers);
    if (fault !== undefined) return this.#send(response, jsonReply(403, { message: fault }));
    if (this.#router === undefined) return this.#send(response, STARTING);
    const match = this.#router.match(request.method ?? 'GET', path);
    if (match.kind !== 'route') return this.#miss(response, replyOfMiss(match, path));
    const query = mark < 0 ? NO_QUERY : new URLSearchParams(url.slice(mark + 1));
    void this.#serve(request, response, match.route, match.params, query);
  }

  async #serve(
    request: IncomingMessage,
    response: ServerResponse,
    route: Route,
    params: readonly string[],
    query: URLSearchParams,
  ): Promise<void> {
    const startedMs = performance.now();
    const { maxBodyBytes, answered, log } = this.#options;
    let reply: Reply;
    try {
      const body = route.readsBody ? await readBody(request, maxBodyBytes) : '';
      reply = await route.run({ context: new RequestContext(response), query, params, body });
    } catch (thrown) {
      const error = HoldfastError.from(thrown);
      if (error.code === 'internal') logDefect(log, route.path, error);
      reply = route.fail(error);
    }
    this.#send(response, reply);
    const durationMs = performance.now() - startedMs;
    answered(route.path, reply.status, durationMs);
    if (log.debugs)
      log.debug({ method: request.method, path: route.path, status: reply.status, durationMs }, 'answered');
  }

  #miss(response: ServerResponse, reply: Reply): void {
    this.#send(response, reply);
    this.#options.answered(NO_ROUTE, reply.status, 0);
  }

  #send(response: ServerResponse, reply: Reply): void {
    if (this.#closed !== undefined) response.shouldKeepAlive = false;
    response.writeHead(reply.status, reply.head as string[]);
    response.end(reply.body, reply.encoding);
  }
}
