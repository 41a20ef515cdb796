import type { BranchConnections, ConnectTo } from './branch-connections.ts';
import { HttpPool, type HttpPoolSettings } from './http1/http-pool.ts';
import { HTTP_CLIENT_SETTINGS } from './http-settings.ts';
import { Names } from './names/names.ts';
import { resolverLookup, systemLookup } from './names/resolve-name.ts';

/** Connections to one origin. `running` is what keeps it from being closed. */
export interface OriginPool {
  readonly pool: BranchConnections;
  running: number;
  lastUsedMs: number;
  /** When the last response came, or the first of the running calls began. */
  progressMs: number;
  /** To be called when a call has ended; whether with a response. One function a pool, not one a call. */
  readonly release: (answered: boolean) => void;
}

export interface ConnectionPoolsOptions {
  readonly settings?: Partial<HttpPoolSettings>;
  /** Origins with connections at once. */
  readonly maxOrigins?: number;
  /** A pool that nobody used for so long is closed. */
  readonly idleMs?: number;
  readonly nowMs?: () => number;
  /** A pool in use from which no response has come for this time may be closed when another origin needs its place. */
  readonly holdMs?: number;
  /** Called when every place is taken: `ended` is the origin whose calls were ended; undefined: the call for `origin` has to wait. */
  readonly onNoRoom?: (origin: string, ended: string | undefined) => void;
  /** How names are looked up: `own` by the hosts file and DNS on the event loop, `system` by `getaddrinfo`. */
  readonly lookup?: NameLookup;
  /** What opens the connections (see `undiciClient`); Holdfast's client by default. */
  readonly connectTo?: ConnectTo;
}

export type NameLookup = 'own' | 'system';

const DEFAULT_MAX_ORIGINS = 1_024;
const DEFAULT_IDLE_MS = 60_000;
const DEFAULT_HOLD_MS = 5_000;

/**
 * Keeps a pool of connections an origin; closes the idle ones, after a while or when room is needed. When all are in use, an origin that has not responded
 * for a while loses its place to one that is needed: its calls end as UNKNOWN and are retried, so that origins that hang never stop all others.
 */
export class ConnectionPools {
  readonly #names: Names;
  readonly #connectTo: ConnectTo;
  readonly #settings: HttpPoolSettings;
  readonly #maxOrigins: number;
  readonly #idleMs: number;
  readonly #holdMs: number;
  readonly #onNoRoom: (origin: string, ended: string | undefined) => void;
  readonly #nowMs: () => number;
  readonly #pools = new Map<string, OriginPool>();
  readonly #sweep: NodeJS.Timeout;
  #closed = false;

  constructor(options: ConnectionPoolsOptions = {}) {
    const system = systemLookup();
    this.#names = new Names({ resolve: options.lookup === 'system' ? system : resolverLookup(system) });
    this.#settings = { names: this.#names, ...HTTP_CLIENT_SETTINGS, ...options.settings };
    this.#connectTo = options.connectTo ?? ((origin, settings) => new HttpPool(origin, settings));
    this.#maxOrigins = options.maxOrigins ?? DEFAULT_MAX_ORIGINS;
    this.#idleMs = options.idleMs ?? DEFAULT_IDLE_MS;
    this.#holdMs = options.holdMs ?? DEFAULT_HOLD_MS;
    this.#onNoRoom = options.onNoRoom ?? (() => undefined);
    this.#nowMs = options.nowMs ?? performance.now.bind(performance);
    // Does not keep the process alive: it only tidies.
    this.#sweep = setInterval(() => this.closeIdle(), Math.max(1, this.#idleMs / 2)).unref();
  }

  /** The origin's pool with `running` counted up; undefined when every place is taken by a pool in use, or after `close`. */
  acquire(origin: string): OriginPool | undefined {
    const found = this.#pools.get(origin) ?? this.#add(origin);
    if (found === undefined) return undefined;
    if (found.running === 0) found.progressMs = this.#nowMs();
    found.running++;
    return found;
  }

  /** Origins with connections now. */
  get size(): number {
    return this.#pools.size;
  }

  /** Closes the pools that nobody used for the idle time, and the connections of others that are not to be used again. */
  closeIdle(): void {
    const beforeMs = this.#nowMs() - this.#idleMs;
    for (const [origin, entry] of this.#pools) {
      if (entry.running === 0 && entry.lastUsedMs <= beforeMs) this.#drop(origin, entry);
      else entry.pool.closeIdle();
    }
  }

  /** Ends every connection; calls under way end with an error. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#sweep);
    const pools = [...this.#pools.values()];
    this.#pools.clear();
    this.#names.close();
    await Promise.all(pools.map(({ pool }) => pool.destroy()));
  }

  #add(origin: string): OriginPool | undefined {
    if (this.#closed || (this.#pools.size >= this.#maxOrigins && !this.#makeRoom(origin))) return undefined;
    const entry: OriginPool = {
      pool: this.#connectTo(origin, this.#settings),
      running: 0,
      lastUsedMs: 0,
      progressMs: 0,
      release: (answered) => {
        entry.running--;
        if (answered) entry.progressMs = this.#nowMs();
        if (entry.running === 0) entry.lastUsedMs = this.#nowMs();
      },
    };
    this.#pools.set(origin, entry);
    return entry;
  }

  /** Closes the pool that has been idle for the longest time, or, when all are in use, the one that has not responded for the longest. */
  #makeRoom(origin: string): boolean {
    const idle = this.#first(({ running, lastUsedMs }) => (running === 0 ? lastUsedMs : Infinity));
    if (idle !== undefined) {
      this.#drop(...idle);
      return true;
    }
    const beforeMs = this.#nowMs() - this.#holdMs;
    const stuck = this.#first(({ progressMs }) => (progressMs <= beforeMs ? progressMs : Infinity));
    this.#onNoRoom(origin, stuck?.[0]);
    if (stuck === undefined) return false;
    this.#drop(
      ...stuck,
      new Error(`no response for ${this.#holdMs} ms while other destinations needed the connections`),
    );
    return true;
  }

  /** The pool with the earliest time; undefined when all have none (infinite). */
  #first(timeOf: (entry: OriginPool) => number): [string, OriginPool] | undefined {
    let first: [string, OriginPool] | undefined;
    let firstMs = Infinity;
    for (const candidate of this.#pools) {
      const ms = timeOf(candidate[1]);
      if (ms < firstMs) [first, firstMs] = [candidate, ms];
    }
    return first;
  }

  #drop(origin: string, entry: OriginPool, reason?: Error): void {
    this.#pools.delete(origin);
    void entry.pool.destroy(reason);
  }
}
