import type { Timer } from '@holdfast/core';
import type { HttpClock } from '../http1/environment.ts';

/** The connections to one origin. */
export interface OriginConnections {
  /** Closes the idle connections whose time has expired. */
  closeIdle(): void;
  /**
   * Closes every connection. Calls in progress or waiting have failed with `reason` when the
   * promise resolves.
   */
  destroy(reason?: Error): Promise<void>;
}

/** The connections to one origin; not closed as idle while `running` is above zero. */
export interface OriginPool<P> {
  readonly pool: P;
  running: number;
  lastUsedMs: number;
  /** When the last response came, or the first of the running calls began. */
  progressMs: number;
  /**
   * Called when a call has ended, with whether it got a response. One function per pool rather than
   * per call.
   */
  readonly release: (responded: boolean) => void;
}

export interface OriginPoolsOptions {
  readonly clock: HttpClock;
  /** Maximum number of origins with connections. */
  readonly maxOrigins?: number;
  /** Time without a call after which a pool is closed. */
  readonly idleMs?: number;
  /**
   * A pool in use that has returned no response for this time may be closed when another origin
   * needs its place.
   */
  readonly holdMs?: number;
  /**
   * Called when every place is taken. `ended` is the origin whose calls were ended; undefined:
   * none, and the call to `origin` has to wait.
   */
  readonly onNoRoom?: (origin: string, ended: string | undefined) => void;
}

const DEFAULT_MAX_ORIGINS = 1_024;
const DEFAULT_IDLE_MS = 60_000;
const DEFAULT_HOLD_MS = 5_000;

/**
 * Keeps a pool of connections per origin and closes idle pools, after a while or when another
 * origin needs the place. If all pools are in use, an origin that has not responded for a while
 * loses its place: its calls end as UNKNOWN and are retried. So origins that hang cannot block all
 * others.
 */
export class OriginPools<P extends OriginConnections> {
  readonly #open: (origin: string) => P;
  readonly #maxOrigins: number;
  readonly #idleMs: number;
  readonly #holdMs: number;
  readonly #onNoRoom: (origin: string, ended: string | undefined) => void;
  readonly #pools = new Map<string, OriginPool<P>>();
  readonly #sweep: Timer;
  /** The clock of the calls over these connections. */
  readonly clock: HttpClock;
  #closed = false;

  /** @param open creates the connections to an origin, which are opened on demand */
  constructor(options: OriginPoolsOptions, open: (origin: string) => P) {
    this.clock = options.clock;
    this.#open = open;
    this.#maxOrigins = options.maxOrigins ?? DEFAULT_MAX_ORIGINS;
    this.#idleMs = options.idleMs ?? DEFAULT_IDLE_MS;
    this.#holdMs = options.holdMs ?? DEFAULT_HOLD_MS;
    this.#onNoRoom = options.onNoRoom ?? (() => undefined);
    this.#sweep = this.clock.repeat(Math.max(1, this.#idleMs / 2), () => this.closeIdle());
  }

  /**
   * Returns the origin's pool and increments `running`; undefined if every place is taken by a pool
   * in use, or after `close`.
   */
  acquire(origin: string): OriginPool<P> | undefined {
    const found = this.#pools.get(origin) ?? this.#add(origin);
    if (found === undefined) return undefined;
    if (found.running === 0) found.progressMs = this.#nowMs();
    found.running++;
    return found;
  }

  /** Current number of origins with connections. */
  get size(): number {
    return this.#pools.size;
  }

  /**
   * Closes the pools that have been unused for the idle time, and the expired connections of the
   * others.
   */
  closeIdle(): void {
    const beforeMs = this.#nowMs() - this.#idleMs;
    for (const [origin, entry] of this.#pools) {
      if (entry.running === 0 && entry.lastUsedMs <= beforeMs) this.#drop(origin, entry);
      else entry.pool.closeIdle();
    }
  }

  /** Closes every connection; calls in progress fail. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#sweep.cancel();
    const pools = [...this.#pools.values()];
    this.#pools.clear();
    await Promise.all(pools.map(({ pool }) => pool.destroy()));
  }

  #nowMs(): number {
    return this.clock.monotonicMs();
  }

  #add(origin: string): OriginPool<P> | undefined {
    if (this.#closed || (this.#pools.size >= this.#maxOrigins && !this.#makeRoom(origin))) return undefined;
    const entry: OriginPool<P> = {
      pool: this.#open(origin),
      running: 0,
      lastUsedMs: 0,
      progressMs: 0,
      release: (responded) => {
        entry.running--;
        if (responded) entry.progressMs = this.#nowMs();
        if (entry.running === 0) entry.lastUsedMs = this.#nowMs();
      },
    };
    this.#pools.set(origin, entry);
    return entry;
  }

  /**
   * Closes the pool that has been idle longest or, if all are in use, the one that has not
   * responded for longest. Returns whether there is room.
   */
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

  /** The pool with the earliest time; undefined if all times are infinite. */
  #first(timeOf: (entry: OriginPool<P>) => number): [string, OriginPool<P>] | undefined {
    let first: [string, OriginPool<P>] | undefined;
    let firstMs = Infinity;
    for (const candidate of this.#pools) {
      const ms = timeOf(candidate[1]);
      if (ms < firstMs) [first, firstMs] = [candidate, ms];
    }
    return first;
  }

  #drop(origin: string, entry: OriginPool<P>, reason?: Error): void {
    this.#pools.delete(origin);
    void entry.pool.destroy(reason);
  }
}
