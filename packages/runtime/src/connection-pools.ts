import { HttpPool, type HttpPoolSettings } from './http1/http-pool.ts';
import { HTTP_CLIENT_SETTINGS } from './http-settings.ts';
import { Names } from './names/names.ts';
import { resolverLookup, systemLookup } from './names/resolve-name.ts';

/** Connections to one origin. `running` is what keeps it from being closed. */
export interface OriginPool {
  readonly pool: HttpPool;
  running: number;
  lastUsedMs: number;
  /** To be called when a call has ended. One function a pool, not one a call. */
  readonly release: () => void;
}

export interface ConnectionPoolsOptions {
  readonly settings?: Partial<HttpPoolSettings>;
  /** Origins with connections at once. */
  readonly maxOrigins?: number;
  /** A pool that nobody used for so long is closed. */
  readonly idleMs?: number;
  readonly nowMs?: () => number;
  /** How names are looked up: `own` by the hosts file and DNS on the event loop, `system` by `getaddrinfo`. */
  readonly lookup?: NameLookup;
}

export type NameLookup = 'own' | 'system';

const DEFAULT_MAX_ORIGINS = 512;
const DEFAULT_IDLE_MS = 60_000;

/** Keeps a pool of connections an origin; closes the idle ones, after a while or when room is needed. */
export class ConnectionPools {
  readonly #names: Names;
  readonly #settings: HttpPoolSettings;
  readonly #maxOrigins: number;
  readonly #idleMs: number;
  readonly #nowMs: () => number;
  readonly #pools = new Map<string, OriginPool>();
  readonly #sweep: NodeJS.Timeout;
  #closed = false;

  constructor(options: ConnectionPoolsOptions = {}) {
    const system = systemLookup();
    this.#names = new Names({ resolve: options.lookup === 'system' ? system : resolverLookup(system) });
    this.#settings = { names: this.#names, ...HTTP_CLIENT_SETTINGS, ...options.settings };
    this.#maxOrigins = options.maxOrigins ?? DEFAULT_MAX_ORIGINS;
    this.#idleMs = options.idleMs ?? DEFAULT_IDLE_MS;
    this.#nowMs = options.nowMs ?? performance.now.bind(performance);
    // Does not keep the process alive: it only tidies.
    this.#sweep = setInterval(() => this.closeIdle(), Math.max(1, this.#idleMs / 2)).unref();
  }

  /** The origin's pool with `running` counted up; undefined when every place is taken by a pool in use, or after `close`. */
  acquire(origin: string): OriginPool | undefined {
    const found = this.#pools.get(origin) ?? this.#add(origin);
    if (found === undefined) return undefined;
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
    if (this.#closed || (this.#pools.size >= this.#maxOrigins && !this.#makeRoom())) return undefined;
    const entry: OriginPool = {
      pool: new HttpPool(origin, this.#settings),
      running: 0,
      lastUsedMs: 0,
      release: () => {
        entry.running--;
        if (entry.running === 0) entry.lastUsedMs = this.#nowMs();
      },
    };
    this.#pools.set(origin, entry);
    return entry;
  }

  /** Closes the pool that has been idle for the longest time. */
  #makeRoom(): boolean {
    let oldest: [string, OriginPool] | undefined;
    for (const candidate of this.#pools) {
      if (candidate[1].running > 0) continue;
      if (oldest === undefined || candidate[1].lastUsedMs < oldest[1].lastUsedMs) oldest = candidate;
    }
    if (oldest === undefined) return false;
    this.#drop(...oldest);
    return true;
  }

  #drop(origin: string, entry: OriginPool): void {
    this.#pools.delete(origin);
    void entry.pool.destroy();
  }
}
