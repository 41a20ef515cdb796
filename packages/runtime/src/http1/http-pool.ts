import type { ConnectionOptions } from 'node:tls';
import { type ConnectionOwner, type Endpoint, type HttpCall, HttpConnection } from './http-connection.ts';

export interface HttpPoolSettings {
  /** Connections at once; calls beyond it wait for one. */
  readonly connections: number;
  readonly connectTimeoutMs: number;
  /** How long an idle connection is used again when the other side does not say how long it keeps it. */
  readonly idleMs: number;
  /** The longest that the other side is believed. */
  readonly maxIdleMs: number;
  /** For `https`: more than Node's own authorities, a certificate. */
  readonly tls?: ConnectionOptions;
}

/** So much earlier than the other side we let go, for a request must not meet its closing. */
const IDLE_MARGIN_MS = 1_000;

/** The connections to one origin. The one used last is used first: those that are not needed grow old, and are closed. */
export class HttpPool implements ConnectionOwner {
  readonly #endpoint: Endpoint;
  readonly #settings: HttpPoolSettings;
  readonly #connections = new Set<HttpConnection>();
  #idle: HttpConnection[] = [];
  #waiting: HttpCall[] = [];
  #connecting = 0;
  #isDestroyed = false;
  #onEmpty: (() => void) | undefined;
  #emptied: Promise<void> | undefined;

  /** @param origin scheme, host and port, as `URL.origin` gives them */
  constructor(origin: string, settings: HttpPoolSettings) {
    this.#endpoint = endpointOf(origin);
    this.#settings = settings;
  }

  get isDestroyed(): boolean {
    return this.#isDestroyed;
  }

  /** Sends a call over an idle connection, or keeps it until there is one. */
  send(call: HttpCall): void {
    if (this.#isDestroyed) return call.failed(new Error('the connections were closed'));
    const connection = this.#takeIdle();
    if (connection !== undefined) return connection.send(call);
    this.#waiting.push(call);
    this.#connect();
  }

  /** Gives up a call that has not been sent: it fails. */
  cancel(call: HttpCall): void {
    const at = this.#waiting.indexOf(call);
    if (at === -1) return;
    this.#waiting.splice(at, 1);
    call.failed(new Error('cancelled before it was sent'));
  }

  /** Closes the idle connections whose time is over. */
  closeIdle(): void {
    const nowMs = performance.now();
    // Closing takes a connection out of the list.
    for (const connection of this.#idle.filter(({ idleUntilMs }) => idleUntilMs <= nowMs)) connection.destroy();
  }

  /** Ends every connection; what is under way or waits has failed when the promise resolves. */
  destroy(): Promise<void> {
    return (this.#emptied ??= this.#destroy());
  }

  async #destroy(): Promise<void> {
    this.#isDestroyed = true;
    const reason = new Error('the connections were closed');
    for (const call of this.#waiting.splice(0)) call.failed(reason);
    if (this.#connections.size === 0) return;
    const emptied = new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
    });
    for (const connection of this.#connections) connection.destroy(reason);
    await emptied;
  }

  connected(connection: HttpConnection): void {
    this.#connecting--;
    this.idle(connection, undefined);
  }

  idle(connection: HttpConnection, keepAliveMs: number | undefined): void {
    const call = this.#waiting.shift();
    if (call !== undefined) return connection.send(call);
    const { idleMs, maxIdleMs } = this.#settings;
    const forMs = keepAliveMs === undefined ? idleMs : Math.min(keepAliveMs - IDLE_MARGIN_MS, maxIdleMs);
    connection.idleUntilMs = performance.now() + forMs;
    this.#idle.push(connection);
  }

  closed(connection: HttpConnection, error: Error | undefined): void {
    this.#connections.delete(connection);
    const at = this.#idle.indexOf(connection);
    if (at !== -1) this.#idle.splice(at, 1);
    if (error !== undefined) {
      this.#connecting--;
      this.#waiting.shift()?.failed(error);
    }
    if (this.#connections.size === 0) this.#onEmpty?.();
    this.#connect();
  }

  /** A connection that is no longer to be used takes itself out once it has closed. */
  #takeIdle(): HttpConnection | undefined {
    if (this.#idle.length === 0) return undefined;
    const nowMs = performance.now();
    for (let connection = this.#idle.pop(); connection !== undefined; connection = this.#idle.pop()) {
      if (connection.idleUntilMs > nowMs && connection.isUsable) return connection;
      connection.destroy();
    }
    return undefined;
  }

  /** Opens a connection for each call that waits, within the bound. */
  #connect(): void {
    const { connections, connectTimeoutMs, tls } = this.#settings;
    while (!this.#isDestroyed && this.#connecting < this.#waiting.length && this.#connections.size < connections) {
      try {
        this.#connections.add(new HttpConnection(this.#endpoint, this, connectTimeoutMs, tls ?? {}));
        this.#connecting++;
      } catch (thrown) {
        // Settings for TLS that cannot be used.
        this.#waiting.shift()?.failed(thrown instanceof Error ? thrown : new Error(String(thrown)));
      }
    }
  }
}

function endpointOf(origin: string): Endpoint {
  const { protocol, hostname, port } = new URL(origin);
  const isSecure = protocol === 'https:';
  return {
    isSecure,
    // An IPv6 address stands in brackets.
    host: hostname.startsWith('[') ? hostname.slice(1, -1) : hostname,
    port: port === '' ? (isSecure ? 443 : 80) : Number(port),
  };
}
