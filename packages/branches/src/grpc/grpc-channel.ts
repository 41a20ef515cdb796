import type { HttpClock, Timeout } from '../http1/environment.ts';
import type { Names } from '../names/names.ts';
import type { OriginConnections } from '../pools/origin-pools.ts';
import type { ConnectGuard } from '../targets/branch-targets.ts';
import type { CallOwner, GrpcExchange } from './grpc-exchange.ts';
import { GrpcSession, type SessionOwner } from './grpc-session.ts';
import type { TlsSource } from '../tls/tls-source.ts';
import { type GrpcEndpoint, type GrpcResolver, RESOLVE_AGAIN_MS } from './resolver.ts';

export interface GrpcChannelSettings {
  readonly clock: HttpClock;
  readonly names: Names;
  readonly connectTimeoutMs: number;
  /** Time without a call after which a connection is closed. */
  readonly idleMs: number;
  readonly tls: TlsSource;
  /** Checks each address before it is connected to. */
  readonly guard?: ConnectGuard | undefined;
}

/** How long a server that could not be connected to is avoided, if there are others. */
const AVOID_MS = 5_000;

const keyOf = ({ host, port }: GrpcEndpoint): string => `${host} ${port}`;

/**
 * The connections to the servers of one target: one connection per server, used by any number of
 * calls. Calls are distributed over the servers in turn.
 */
export class GrpcChannel implements CallOwner, SessionOwner, OriginConnections {
  readonly #server: string;
  readonly #isSecure: boolean;
  readonly #resolver: GrpcResolver;
  readonly #settings: GrpcChannelSettings;
  /** The connections that take calls, by server. */
  readonly #sessions = new Map<string, GrpcSession>();
  /** All connections, those included that only finish their calls. */
  readonly #open = new Set<GrpcSession>();
  /** Servers that could not be connected to, and until when they are avoided. */
  readonly #avoidedUntilMs = new Map<string, number>();
  #endpoints: readonly GrpcEndpoint[] = [];
  #resolvedMs = -Infinity;
  /** The resolution in progress. Its deadline ends it, whatever the resolver does. */
  #resolving: Timeout | undefined;
  #next = 0;
  #waiting: GrpcExchange[] = [];
  /** Why the channel was destroyed. */
  #destroyedBy: Error | undefined;
  #onEmpty: (() => void) | undefined;

  constructor(server: string, isSecure: boolean, resolver: GrpcResolver, settings: GrpcChannelSettings) {
    this.#server = server;
    this.#isSecure = isSecure;
    this.#resolver = resolver;
    this.#settings = settings;
  }

  send(call: GrpcExchange): void {
    if (this.#destroyedBy !== undefined) return call.failed(this.#destroyedBy);
    if (this.#nowMs - this.#resolvedMs >= RESOLVE_AGAIN_MS) this.#resolve();
    const endpoint = this.#nextEndpoint();
    if (endpoint === undefined) this.#waiting.push(call);
    else this.#sessionTo(endpoint).send(call);
  }

  cancel(call: GrpcExchange): void {
    const at = this.#waiting.indexOf(call);
    if (at !== -1) this.#waiting.splice(at, 1);
    else for (const session of this.#open) if (session.cancel(call)) return;
  }

  leaving(session: GrpcSession): void {
    const key = keyOf(session.endpoint);
    if (this.#sessions.get(key) === session) this.#sessions.delete(key);
  }

  closed(session: GrpcSession, error: Error | undefined): void {
    this.leaving(session);
    this.#open.delete(session);
    if (error !== undefined) this.#avoidedUntilMs.set(keyOf(session.endpoint), this.#nowMs + AVOID_MS);
    // The servers may have moved.
    this.#resolvedMs = -Infinity;
    const { host, name = host } = session.endpoint;
    this.#settings.names.forget(name);
    if (this.#open.size === 0) this.#onEmpty?.();
  }

  closeIdle(): void {
    const beforeMs = this.#nowMs - this.#settings.idleMs;
    for (const session of [...this.#open]) {
      const takesCalls = this.#sessions.get(keyOf(session.endpoint)) === session;
      if (takesCalls && session.lastUsedMs > beforeMs) continue;
      this.leaving(session);
      session.leave();
    }
  }

  async destroy(reason: Error = new Error('the connections were closed')): Promise<void> {
    this.#destroyedBy = reason;
    for (const call of this.#waiting.splice(0)) call.failed(reason);
    if (this.#open.size === 0) return;
    const emptied = new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
    });
    for (const session of [...this.#open]) session.destroy(reason);
    await emptied;
  }

  get #nowMs(): number {
    return this.#settings.clock.monotonicMs();
  }

  /** The next server in turn, one that is not avoided if there is one. */
  #nextEndpoint(): GrpcEndpoint | undefined {
    const count = this.#endpoints.length;
    for (let tried = 0; tried < count; tried++) {
      const endpoint = this.#endpoints[(this.#next + tried) % count] as GrpcEndpoint;
      if (count > 1 && (this.#avoidedUntilMs.get(keyOf(endpoint)) ?? 0) > this.#nowMs) continue;
      this.#next = (this.#next + tried + 1) % count;
      return endpoint;
    }
    return this.#endpoints[this.#next++ % Math.max(1, count)];
  }

  #sessionTo(endpoint: GrpcEndpoint): GrpcSession {
    const key = keyOf(endpoint);
    const known = this.#sessions.get(key);
    if (known?.isOpen === true) return known;
    const { clock, connectTimeoutMs, tls, names, guard } = this.#settings;
    const lookUp = (name: string): Promise<readonly string[]> => names.lookUp(name);
    const session = new GrpcSession(endpoint, this, {
      clock,
      connectTimeoutMs,
      tls,
      lookUp,
      guard,
      isSecure: this.#isSecure,
    });
    this.#sessions.set(key, session);
    this.#open.add(session);
    return session;
  }

  /** Calls are sent to the known servers until then. */
  #resolve(): void {
    if (this.#resolving !== undefined) return;
    const { clock, connectTimeoutMs } = this.#settings;
    const late = new Error(`${this.#server} could not be resolved within ${connectTimeoutMs} ms`);
    const timeout = clock.startTimeout(connectTimeoutMs, { timeOut: () => this.#unresolved(timeout, late) });
    this.#resolving = timeout;
    // A resolver that throws is one that rejects.
    new Promise<readonly GrpcEndpoint[]>((resolve) => resolve(this.#resolver.resolve(this.#server))).then(
      (endpoints) => this.#resolved(timeout, endpoints),
      (error: unknown) => this.#unresolved(timeout, error instanceof Error ? error : new Error(String(error))),
    );
  }

  /** Returns whether this is the end of the resolution in progress. */
  #endResolving(timeout: Timeout): boolean {
    if (this.#resolving !== timeout) return false;
    this.#settings.clock.cancelTimeout(timeout);
    this.#resolving = undefined;
    return true;
  }

  #resolved(timeout: Timeout, endpoints: readonly GrpcEndpoint[]): void {
    if (endpoints.length === 0) return this.#unresolved(timeout, new Error(`${this.#server} has no servers`));
    if (!this.#endResolving(timeout)) return;
    this.#resolvedMs = this.#nowMs;
    this.#endpoints = endpoints;
    const keys = new Set(endpoints.map(keyOf));
    for (const key of this.#avoidedUntilMs.keys()) if (!keys.has(key)) this.#avoidedUntilMs.delete(key);
    for (const [key, session] of this.#sessions) {
      if (keys.has(key)) continue;
      this.#sessions.delete(key);
      session.leave();
    }
    for (const call of this.#waiting.splice(0)) this.send(call);
  }

  #unresolved(timeout: Timeout, error: Error): void {
    if (!this.#endResolving(timeout)) return;
    // The next call tries again; the resolver keeps a failure for a while.
    for (const call of this.#waiting.splice(0)) call.failed(error);
  }
}
