import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, Server as NetServer } from 'node:net';
import type { Authenticator, ClientCertificate, Credentials, PrincipalLimits } from '@holdfast/api';
import { ANONYMOUS, HoldfastError, isPercentEncodedUtf8, type Principal } from '@holdfast/protocol';
import { HTTP_SERVER_LIMITS, HTTP_SERVER_SETTINGS } from './http-settings.ts';
import { type Log, logDefect } from '../logs/log.ts';
import type { Exchange } from './exchange.ts';
import { refusal, refusalOf, replyOfMiss } from './misses.ts';
import { NodeConnections } from './node-connections.ts';
import { isLong, nextTurn } from './json-text.ts';
import { NodeExchange } from './node-exchange.ts';
import { places } from './places.ts';
import { PlainConnections } from './plain-connections.ts';
import type { IsKnownHost } from './known-hosts.ts';
import { isStream, type Reply } from './reply.ts';
import { deadlineOf, RequestContext } from './request-context.ts';
import type { Match, Route, Router } from './router.ts';
import type { TlsGate } from '../tls/tls-gate.ts';

export interface HttpServerOptions {
  readonly log: Log;
  readonly maxBodyBytes: number;
  readonly maxConnections: number;
  /** Accepts a `Host` as this coordinator's; every host by default. */
  readonly isKnownHost?: IsKnownHost;
  /** Whether dtm's GETs that change something are served; true by default. */
  readonly servesGetCommands?: boolean;
  /**
   * Which code reads requests: Holdfast's for the usual kind and `node:http` for the rest (`own`),
   * or `node:http` for all (`node`).
   */
  readonly requestReader?: RequestReader;
  /** Serves https; http by default. */
  readonly tls?: TlsGate;
  /** Called after each response. */
  readonly responded: (route: string, status: number, durationMs: number) => void;
}

export type RequestReader = 'own' | 'node';

const unknownHost = (host = ''): string =>
  `Host ${JSON.stringify(host.slice(0, 200))} is not a name of this coordinator; add it with --allowed-hosts`;

/** A link or an image in a page is enough to make a browser send a GET. */
const commandByGet = (path: string, fromBrowser: boolean): Reply => {
  const message = fromBrowser
    ? 'a GET that changes something is rejected when a browser sends it; use POST'
    : 'GETs that change something are switched off (--dtm-get-commands false); use POST';
  return fromBrowser ? refusal(path, 403, message) : refusal(path, 405, message, ['Allow', 'POST']);
};

const urlIsNotUtf8 = (): HoldfastError =>
  new HoldfastError('invalid', 'the percent-encoded characters of the URL are not UTF-8; encode them as UTF-8');

/** The route under which unknown paths are counted, since their number is unbounded. */
const NO_ROUTE = '(none)';
const NO_QUERY = new URLSearchParams();
/** A request and its route, before its caller is known. */
interface Admitted {
  readonly exchange: Exchange;
  readonly path: string;
  readonly match: Match;
  /** The undecoded query; empty if there is none. */
  readonly query: string;
  readonly startedMs: number;
}

/** A request of a known caller. */
interface Served {
  readonly exchange: Exchange;
  readonly context: RequestContext;
  readonly route: Route;
  readonly params: readonly string[];
  readonly query: URLSearchParams;
  readonly startedMs: number;
}

/** The caller of a request, or why it is not known. Never throws or rejects. */
function authenticated(
  authenticator: Authenticator,
  exchange: Exchange,
  arrivedMs: number,
): Principal | HoldfastError | Promise<Principal | HoldfastError> {
  try {
    const found = authenticator.authenticate(new HttpCredentials(exchange, arrivedMs));
    return found instanceof Promise ? found.catch((thrown: unknown) => HoldfastError.from(thrown)) : found;
  } catch (thrown) {
    return HoldfastError.from(thrown);
  }
}

/** The credentials of one request; what only some checks need is read when they do. */
class HttpCredentials implements Credentials {
  readonly authorization: string | undefined;
  readonly #exchange: Exchange;
  readonly #arrivedMs: number;

  constructor(exchange: Exchange, arrivedMs: number) {
    this.authorization = exchange.field('authorization');
    this.#exchange = exchange;
    this.#arrivedMs = arrivedMs;
  }

  get remoteAddress(): string | undefined {
    return this.#exchange.peer?.address;
  }

  get clientCertificate(): ClientCertificate | undefined {
    return this.#exchange.clientCertificate;
  }

  get deadlineMs(): number | undefined {
    return deadlineOf(this.#exchange, this.#arrivedMs);
  }
}

/** How long unfinished responses may take after everything else has been closed. */
const LAST_RESPONSES_MS = 1_000;

/**
 * The HTTP transport: limits, routes, errors. `PlainConnections` reads requests of the usual kind,
 * `node:http` all others.
 */
export class HttpServer {
  readonly #options: HttpServerOptions;
  readonly #server: Server;
  readonly #plain: PlainConnections | undefined = undefined;
  #router: Router | undefined;
  #authenticator: Authenticator | undefined;
  #limits: PrincipalLimits | undefined;
  /** Resolves when the last connection is closed; set when the server stops accepting. */
  #closed: Promise<unknown> | undefined;

  constructor(options: HttpServerOptions) {
    this.#options = options;
    this.#server = createServer(HTTP_SERVER_SETTINGS, (request, response) =>
      this.#onRequest(new NodeExchange(request, response)),
    );
    if (options.requestReader === 'node') NodeConnections.takeAll(this.#server, options.tls);
    else this.#plain = new PlainConnections(this.#server, (exchange) => this.#onRequest(exchange), options.tls);
    this.#server.maxHeadersCount = HTTP_SERVER_LIMITS.maxHeadersCount;
    this.#server.maxConnections = options.maxConnections;
  }

  /** Returns the URL of the server. Throws what `listen` throws. */
  async listen(host: string, port: number): Promise<string> {
    this.#server.listen(port, host);
    await once(this.#server, 'listening');
    const { address, family, port: bound } = this.#server.address() as AddressInfo;
    return `${this.#options.tls === undefined ? 'http' : 'https'}://${family === 'IPv6' ? `[${address}]` : address}:${bound}`;
  }

  /**
   * Serves these routes from now on; until then requests receive 503 with `Retry-After`.
   *
   * @param authenticator determines the callers; absent: every caller is anonymous
   * @param limits bounds what callers send; absent: nothing does
   */
  use(router: Router, authenticator?: Authenticator, limits?: PrincipalLimits): void {
    this.#router = router;
    this.#authenticator = authenticator;
    this.#limits = limits;
  }

  /**
   * Accepts no new connections; open ones are closed after their next response, which announces it.
   * Idle connections stay open for now: a request may be in flight and would be lost.
   */
  stopAccepting(): void {
    if (this.#closed !== undefined) return;
    this.#closed = once(this.#server, 'close');
    // The `close` of `node:http` would also close idle connections.
    NetServer.prototype.close.call(this.#server);
  }

  /** Waits until every connection is closed, at most for `timeoutMs`. */
  async emptied(timeoutMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, timeoutMs)));
    await Promise.race([this.#closed, late]);
    clearTimeout(timer);
  }

  /** Closes idle connections immediately, the others after their response or a timeout. */
  async close(): Promise<void> {
    this.stopAccepting();
    this.#server.close();
    this.#plain?.closeIdle();
    this.#options.tls?.close();
    const impatient = setTimeout(() => {
      this.#server.closeAllConnections();
      this.#plain?.closeAll();
    }, LAST_RESPONSES_MS);
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
    const request = { exchange, path, match, query: mark < 0 ? '' : url.slice(mark + 1), startedMs: performance.now() };
    const authenticator = this.#authenticator;
    if (authenticator === undefined || (match.kind === 'route' && match.route.isPublic === true))
      return this.#admit(request, ANONYMOUS);
    const principal = authenticated(authenticator, exchange, request.startedMs);
    if (!(principal instanceof Promise)) return this.#admit(request, principal);
    void principal.then((found) => this.#admit(request, found));
  }

  /** Serves a request of a known caller, or rejects it if the caller is not known. */
  #admit(request: Admitted, principal: Principal | HoldfastError): void {
    const { exchange, path, match, query, startedMs } = request;
    const context = new RequestContext(exchange, startedMs, this.#limits);
    try {
      if (principal instanceof HoldfastError) throw principal;
      this.#limits?.admit(principal, exchange.announcedBytes(this.#options.maxBodyBytes));
      // A health probe has no namespace.
      if (match.kind !== 'route' || match.route.isPublic !== true) context.admit(principal);
    } catch (thrown) {
      const error = HoldfastError.from(thrown);
      if (match.kind !== 'route') return this.#miss(exchange, refusalOf(path, error));
      const { route } = match;
      if (error.code === 'internal') logDefect(this.#options.log, route.path, error);
      const reply = route.fail(error);
      void this.#send(exchange, reply);
      return this.#options.responded(route.path, reply.status, performance.now() - startedMs);
    }
    if (match.kind !== 'route') return this.#miss(exchange, replyOfMiss(match, path));
    const { route, params } = match;
    if (route.isCommand === true && (exchange.isFromBrowser || this.#options.servesGetCommands === false)) {
      const error = new HoldfastError('forbidden', 'a GET that changes something is not served');
      // The response is the same whatever the interceptors decide.
      route.reject?.(context, error, params).catch(() => {});
      return this.#miss(exchange, commandByGet(path, exchange.isFromBrowser));
    }
    const parsed = query === '' ? NO_QUERY : new URLSearchParams(query);
    void this.#serve({ exchange, context, route, params, query: parsed, startedMs });
  }

  async #serve({ exchange, context, route, params, query, startedMs }: Served): Promise<void> {
    const { maxBodyBytes, responded, log } = this.#options;
    let reply: Reply;
    let hasPlace = false;
    try {
      let body = '';
      try {
        if (!isPercentEncodedUtf8(exchange.url)) throw urlIsNotUtf8();
        if (route.takesPlace?.(query) === true) {
          const place = places.enter(exchange, context.deadlineMs);
          if (place !== undefined && !(await place)) return;
          hasPlace = true;
        }
        const received = route.readsBody ? exchange.body(maxBodyBytes, context) : '';
        // A body that has arrived costs no turn of the microtask queue.
        body = typeof received === 'string' ? received : await received;
      } catch (thrown) {
        await route.reject?.(context, HoldfastError.from(thrown), params);
        throw thrown;
      }
      reply = await route.run({ context, query, params, body });
    } catch (thrown) {
      const error = HoldfastError.from(thrown);
      if (error.code === 'internal') logDefect(log, route.path, error);
      reply = route.fail(error);
    }
    try {
      if (isStream(reply.body) || (typeof reply.body === 'string' && isLong(reply.body))) await nextTurn();
      const sent = this.#send(exchange, reply);
      if (sent !== undefined) await sent;
    } finally {
      if (hasPlace) places.leave();
    }
    const durationMs = performance.now() - startedMs;
    responded(route.path, reply.status, durationMs);
    if (log.debugs)
      log.debug({ method: exchange.method, path: route.path, status: reply.status, durationMs }, 'answered');
  }

  #miss(exchange: Exchange, reply: Reply): void {
    void this.#send(exchange, reply);
    this.#options.responded(NO_ROUTE, reply.status, 0);
  }

  #send(exchange: Exchange, reply: Reply): Promise<void> | undefined {
    return exchange.send(reply, this.#closed !== undefined);
  }
}
