import type { Endpoint, HttpEnvironment } from './environment.ts';
import { type ConnectionOwner, type HttpCall, HttpConnection } from './http-connection.ts';
import { Names } from '../names/names.ts';
import { tlsOptionsFor, type TlsSource } from '../tls/tls-source.ts';
import { systemLookup } from '../names/resolve-name.ts';
import type { ConnectGuard } from '../targets/branch-targets.ts';

export interface HttpPoolSettings {
  /** Maximum number of connections; further calls wait for one. */
  readonly connections: number;
  readonly connectTimeoutMs: number;
  /**
   * How long an idle connection is reused if the other side does not state how long it keeps it.
   */
  readonly idleMs: number;
  /** Upper bound of the time that the other side states. */
  readonly maxIdleMs: number;
  /** For `https`: certificate authorities, a client certificate. */
  readonly tls?: TlsSource;
  /** Resolves names; by default each pool has its own instance, over `getaddrinfo`. */
  readonly names?: Names;
  /** Checks each address before it is connected to. */
  readonly guard?: ConnectGuard;
}

/**
 * How much earlier than the other side this side closes an idle connection, so that no request
 * meets its closing.
 */
const IDLE_MARGIN_MS = 1_000;

/** Counted at the ends of turns: the sockets are polled between the first and the second. */
const TURNS_OF_REST = 2;

/**
 * The connections to one origin. The most recently used idle connection is used first, so that
 * superfluous ones expire and are closed.
 *
 * After a response a connection rests until the event loop has polled the sockets once more: bytes
 * behind the response then close the connection instead of being read as the response to the next
 * call. Turns counted for other reasons suffice; the loop is kept turning only when a call needs a
 * connection that rests.
 */
export class HttpPool implements ConnectionOwner {
  readonly #endpoint: Endpoint;
  readonly #settings: HttpPoolSettings;
  readonly #names: Names;
  readonly #environment: HttpEnvironment;
  readonly #connections = new Set<HttpConnection>();
  /** Used from its end. */
  #idle: HttpConnection[] = [];
  /** In the order of their responses. */
  #resting: HttpConnection[] = [];
  #waiting: HttpCall[] = [];
  /** Calls that were lost with a reused connection: they wait for a new one. */
  readonly #lost: HttpCall[] = [];
  #isTurning = false;
  #connecting = 0;
  #isDestroyed = false;
  #onEmpty: (() => void) | undefined;
  #emptied: Promise<void> | undefined;

  /** @param origin scheme, host and port, as `URL.origin` gives them */
  constructor(origin: string, settings: HttpPoolSettings, environment: HttpEnvironment) {
    this.#environment = environment;
    this.#endpoint = endpointOf(origin);
    this.#settings = settings;
    this.#names = settings.names ?? new Names({ resolve: systemLookup() });
  }

  get isDestroyed(): boolean {
    return this.#isDestroyed;
  }

  /** Sends a call over an idle connection, or queues it until there is one. */
  send(call: HttpCall): void {
    if (this.#isDestroyed) return call.failed(new Error('the connections were closed'));
    const connection = this.#takeIdle();
    if (connection !== undefined) return connection.send(call);
    this.#waiting.push(call);
    this.#connect();
    this.#turnSoon();
  }

  /** Cancels a call that has not been sent: it fails. */
  cancel(call: HttpCall): void {
    const calls = this.#lost.includes(call) ? this.#lost : this.#waiting;
    const at = calls.indexOf(call);
    if (at === -1) return;
    calls.splice(at, 1);
    call.failed(new Error('cancelled before it was sent'));
  }

  /** Closes the idle connections whose time has expired. */
  closeIdle(): void {
    const nowMs = this.#nowMs;
    // Copied, because closing removes a connection from the lists.
    for (const connection of [...this.#idle, ...this.#resting])
      if (connection.idleUntilMs <= nowMs) connection.destroy();
  }

  /**
   * Closes every connection. Calls in progress or waiting have failed with `reason` when the
   * promise resolves.
   */
  destroy(reason: Error = new Error('the connections were closed')): Promise<void> {
    return (this.#emptied ??= this.#destroy(reason));
  }

  async #destroy(reason: Error): Promise<void> {
    this.#isDestroyed = true;
    for (const call of [...this.#lost.splice(0), ...this.#waiting.splice(0)]) call.failed(reason);
    if (this.#connections.size === 0) return;
    const emptied = new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
    });
    for (const connection of this.#connections) connection.destroy(reason);
    await emptied;
  }

  connected(connection: HttpConnection): void {
    this.#connecting--;
    const call = this.#lost.shift();
    if (call !== undefined) return connection.send(call);
    connection.idleUntilMs = this.#nowMs + this.#settings.idleMs;
    this.#use(connection);
  }

  responded(connection: HttpConnection, keepAliveMs: number | undefined): void {
    const { idleMs, maxIdleMs } = this.#settings;
    const forMs = keepAliveMs === undefined ? idleMs : Math.min(keepAliveMs - IDLE_MARGIN_MS, maxIdleMs);
    connection.idleUntilMs = this.#nowMs + forMs;
    connection.restsUntilTurn = this.#environment.clock.turnsCounted() + TURNS_OF_REST;
    this.#resting.push(connection);
    if (this.#waiting.length > 0) this.#turnSoon();
  }

  lost(call: HttpCall): void {
    if (this.#isDestroyed) call.failed(new Error('the connections were closed'));
    else this.#lost.push(call);
  }

  closed(connection: HttpConnection, error: Error | undefined): void {
    this.#connections.delete(connection);
    for (const connections of [this.#idle, this.#resting]) {
      const at = connections.indexOf(connection);
      if (at !== -1) connections.splice(at, 1);
    }
    if (error !== undefined) {
      this.#connecting--;
      // The cached addresses may be outdated.
      this.#names.forget(this.#endpoint.host);
      (this.#lost.shift() ?? this.#waiting.shift())?.failed(error);
    }
    if (this.#connections.size === 0) this.#onEmpty?.();
    this.#connect();
  }

  /** For waiting calls: keeps the event loop turning until a resting connection can be used. */
  #turnSoon(): void {
    if (this.#isTurning || this.#resting.length === 0) return;
    this.#isTurning = true;
    this.#environment.clock.endOfTurn(this.#turn);
  }

  readonly #turn = (): void => {
    this.#isTurning = false;
    while (this.#waiting.length > 0) {
      const connection = this.#takeIdle();
      if (connection === undefined) break;
      this.#use(connection);
    }
    if (this.#waiting.length === 0) return;
    // Some of the resting connections may not be usable.
    this.#connect();
    this.#turnSoon();
  };

  get #nowMs(): number {
    return this.#environment.clock.monotonicMs();
  }

  /** Sends the next waiting call, or keeps the connection idle. */
  #use(connection: HttpConnection): void {
    const call = this.#waiting.shift();
    if (call !== undefined) connection.send(call);
    else this.#idle.push(connection);
  }

  #isLate({ idleUntilMs }: HttpConnection): boolean {
    return idleUntilMs <= this.#nowMs;
  }

  /**
   * Returns an idle connection. An unusable one is destroyed and removes itself once it has closed.
   */
  #takeIdle(): HttpConnection | undefined {
    const turns = this.#environment.clock.turnsCounted();
    let rested = 0;
    for (let next = this.#resting[0]; next !== undefined && next.restsUntilTurn <= turns;) {
      this.#idle.push(next);
      next = this.#resting[++rested];
    }
    if (rested > 0) this.#resting.splice(0, rested);
    for (let connection = this.#idle.pop(); connection !== undefined; connection = this.#idle.pop()) {
      if (!this.#isLate(connection) && connection.isUsable) return connection;
      connection.destroy();
    }
    return undefined;
  }

  /** Opens connections for waiting calls, up to the limit. */
  #connect(): void {
    const { connections, connectTimeoutMs, tls, guard } = this.#settings;
    // The usual case under load, for which no settings are assembled.
    if (this.#connecting >= this.#wanted || this.#connections.size >= connections) return;
    const lookUp = (name: string): Promise<readonly string[]> => this.#names.lookUp(name);
    const settings = {
      connectTimeoutMs,
      tls: this.#endpoint.isSecure ? tlsOptionsFor(this.#endpoint.host, tls) : {},
      lookUp,
      faultOf: faultOfAddress(this.#endpoint, guard),
    };
    while (!this.#isDestroyed && this.#connecting < this.#wanted && this.#connections.size < connections) {
      this.#connections.add(new HttpConnection(this.#endpoint, this, settings, this.#environment));
      this.#connecting++;
    }
  }

  /**
   * Number of connections to open. Resting connections serve waiting calls sooner than new ones.
   * The first two are opened anyway, so that a caller that makes one call after the other always
   * finds a rested one.
   */
  get #wanted(): number {
    const resting = this.#connections.size > 1 ? this.#resting.length : 0;
    return this.#lost.length + Math.max(0, this.#waiting.length - resting);
  }
}

/** The endpoint of an origin's connections. */
export const endpointOf = (origin: string): Endpoint => endpointIn(new URL(origin));

/** The endpoint that the connections of a URL lead to. */
export function endpointIn({ protocol, hostname, port }: URL): Endpoint {
  const isSecure = protocol === 'https:';
  return {
    isSecure,
    // An IPv6 address is in brackets.
    host: hostname.startsWith('[') ? hostname.slice(1, -1) : hostname,
    port: port === '' ? (isSecure ? 443 : 80) : Number(port),
  };
}

/** A guard's check of the addresses of one endpoint; undefined without a guard. */
export function faultOfAddress(
  { isSecure, host, port }: Endpoint,
  guard: ConnectGuard | undefined,
): ((address: string) => string | undefined) | undefined {
  if (guard === undefined) return undefined;
  const endpoint = { scheme: isSecure ? 'https' : 'http', host, port } as const;
  return (address) => guard(endpoint, address);
}
