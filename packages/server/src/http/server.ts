import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, Server as NetServer } from 'node:net';
import { HoldfastError, isPercentEncodedUtf8 } from '@holdfast/protocol';
import { HTTP_SERVER_LIMITS, HTTP_SERVER_SETTINGS } from '@holdfast/runtime';
import { type Log, logDefect } from '../logs/log.ts';
import type { Exchange } from './exchange.ts';
import { refusal, replyOfMiss } from './misses.ts';
import { NodeConnections } from './node-connections.ts';
import { isLong, nextTurn } from './json-text.ts';
import { NodeExchange } from './node-exchange.ts';
import { places } from './places.ts';
import { PlainConnections } from './plain-connections.ts';
import type { IsKnownHost } from './known-hosts.ts';
import type { Reply } from './reply.ts';
import { RequestContext } from './request-context.ts';
import type { Route, Router } from './router.ts';

export interface HttpServerOptions {
  readonly log: Log;
  readonly maxBodyBytes: number;
  readonly maxConnections: number;
  /** Which `Host` is this coordinator's; any unless it is given. */
  readonly isKnownHost?: IsKnownHost;
  /** Whether dtm's GETs that change something are served; true by default. */
  readonly servesGetCommands?: boolean;
  /** Which reader requests have: this package's for the usual kind and that of `node:http` for the rest, or `node:http` for all. */
  readonly requestReader?: RequestReader;
  /** Told about each answer. */
  readonly answered: (route: string, status: number, durationMs: number) => void;
}

export type RequestReader = 'own' | 'node';

const unknownHost = (host = ''): string =>
  `Host ${JSON.stringify(host.slice(0, 200))} is not a name of this coordinator; add it with --allowed-hosts`;

/** A link or an image of a page is enough to make a browser send a GET. */
const commandByGet = (path: string, fromBrowser: boolean): Reply => {
  const message = fromBrowser
    ? 'a GET that changes something is refused to browsers; use POST'
    : 'GETs that change something are switched off (--dtm-get-commands false); use POST';
  return fromBrowser ? refusal(path, 403, message) : refusal(path, 405, message, ['Allow', 'POST']);
};

/** What misses are counted under: their paths have no bound. */
const NO_ROUTE = '(none)';
const NO_QUERY = new URLSearchParams();
/** How long answers under way may take to leave after everything else has ended. */
const LAST_ANSWERS_MS = 1_000;

/** The HTTP transport: bounds, routes, errors. Requests of the usual kind are read by `PlainConnections`, all others by `node:http`. */
export class HttpServer {
  readonly #options: HttpServerOptions;
  readonly #server: Server;
  readonly #plain: PlainConnections | undefined = undefined;
  #router: Router | undefined;
  /** Settles when the last connection is closed; set when it stops. */
  #closed: Promise<unknown> | undefined;

  constructor(options: HttpServerOptions) {
    this.#options = options;
    this.#server = createServer(HTTP_SERVER_SETTINGS, (request, response) =>
      this.#onRequest(new NodeExchange(request, response)),
    );
    if (options.requestReader === 'node') NodeConnections.takeAll(this.#server);
    else this.#plain = new PlainConnections(this.#server, (exchange) => this.#onRequest(exchange));
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
    this.#plain?.closeIdle();
    const impatient = setTimeout(() => {
      this.#server.closeAllConnections();
      this.#plain?.closeAll();
    }, LAST_ANSWERS_MS);
    await this.#closed;
    clearTimeout(impatient);
  }

  #onRequest(exchange: Exchange): void {
    const { method, url, crossSiteFault, host } = exchange;
    const mark = url.indexOf('?');
    const path = mark < 0 ? url : url.slice(0, mark);
    if (crossSiteFault !== undefined) return void this.#send(exchange, refusal(path, 403, crossSiteFault));
    if (this.#options.isKnownHost?.(host) === false)
      return void this.#send(exchange, refusal(path, 403, unknownHost(host)));
    if (this.#router === undefined)
      return void this.#send(exchange, refusal(path, 503, 'the coordinator is starting', ['Retry-After', '1']));
    const match = this.#router.match(method, path);
    if (match.kind !== 'route') return this.#miss(exchange, replyOfMiss(match, path));
    const { route, params } = match;
    if (route.isCommand === true && (exchange.isFromBrowser || this.#options.servesGetCommands === false))
      return this.#miss(exchange, commandByGet(path, exchange.isFromBrowser));
    const query = mark < 0 ? NO_QUERY : new URLSearchParams(url.slice(mark + 1));
    void this.#serve(exchange, route, params, query);
  }

  async #serve(exchange: Exchange, route: Route, params: readonly string[], query: URLSearchParams): Promise<void> {
    const startedMs = performance.now();
    const { maxBodyBytes, answered, log } = this.#options;
    let reply: Reply;
    let hasPlace = false;
    try {
      if (!isPercentEncodedUtf8(exchange.url))
        throw new HoldfastError(
          'invalid',
          'the percent-encoded characters of the URL are not UTF-8; encode them as UTF-8',
        );
      if (route.takesPlace?.(query) === true) {
        const place = places.enter(exchange);
        if (place !== undefined && !(await place)) return;
        hasPlace = true;
      }
      const body = route.readsBody ? await exchange.body(maxBodyBytes) : '';
      reply = await route.run({ context: new RequestContext(exchange), query, params, body });
    } catch (thrown) {
      const error = HoldfastError.from(thrown);
      if (error.code === 'internal') logDefect(log, route.path, error);
      reply = route.fail(error);
    }
    try {
      if (typeof reply.body !== 'string' || isLong(reply.body)) await nextTurn();
      const sent = this.#send(exchange, reply);
      if (sent !== undefined) await sent;
    } finally {
      if (hasPlace) places.leave();
    }
    const durationMs = performance.now() - startedMs;
    answered(route.path, reply.status, durationMs);
    if (log.debugs)
      log.debug({ method: exchange.method, path: route.path, status: reply.status, durationMs }, 'answered');
  }

  #miss(exchange: Exchange, reply: Reply): void {
    void this.#send(exchange, reply);
    this.#options.answered(NO_ROUTE, reply.status, 0);
  }

  #send(exchange: Exchange, reply: Reply): Promise<void> | undefined {
    return exchange.send(reply, this.#closed !== undefined);
  }
}
