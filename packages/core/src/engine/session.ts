import type { Clock, Identities, Logger, Timer } from '../environment.ts';
import type { SessionId, Store } from '../store.ts';

interface SessionDependencies {
  readonly store: Store;
  readonly clock: Clock;
  readonly identities: Identities;
  readonly logger: Logger;
  readonly options: {
    readonly node: string;
    readonly version: string;
    readonly heartbeatMs: number;
    readonly silenceMs: number;
  };
  /** The session is over: what it held must be dropped without another call or write. */
  readonly onLost: () => void;
}

/** Share of the silence limit after which a node without an acknowledged heartbeat stops calling branches: before another may start. */
const LEASE_SHARE = 2 / 3;

/**
 * This node's session: it heartbeats, knows whether its lease holds, and tells engine time.
 *
 * L1  The lease holds while the last acknowledged heartbeat was sent less than two thirds of the silence limit ago, on the monotonic clock. A store that
 *     only one process can open needs no lease: its lock is one.
 * L2  A session that was ended, or whose lease ran out, never comes back: the node drops everything it holds and opens a new one.
 * L3  Engine time is the store's time at the last heartbeat plus the monotonic time since, and never goes backwards.
 */
export class Session {
  readonly #dependencies: SessionDependencies;
  #id: SessionId = '';
  #acknowledgedSentMs = -Infinity;
  #storeMs = 0;
  #storeReadAtMs = 0;
  #lastNowMs = 0;
  #timer: Timer | undefined;
  #stopped = false;
  #open = false;

  constructor(dependencies: SessionDependencies) {
    this.#dependencies = dependencies;
  }

  get id(): SessionId {
    return this.#id;
  }

  /** Opens the session; throws what the store throws. */
  async start(): Promise<void> {
    await this.#openNew();
    this.#schedule();
  }

  /** Ends it in order: others may take over what it still holds at once. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    const wasOpen = this.#open;
    this.#open = false;
    if (wasOpen) await this.#dependencies.store.endSession(this.#id);
  }

  leaseHeld(): boolean {
    const { store, clock, options } = this.#dependencies;
    if (!this.#open) return false;
    return (
      store.capabilities.exclusive || clock.monotonicMs() - this.#acknowledgedSentMs < options.silenceMs * LEASE_SHARE
    );
  }

  /** Engine time, ms since the epoch. */
  nowMs(): number {
    const nowMs = Math.round(this.#storeMs + this.#dependencies.clock.monotonicMs() - this.#storeReadAtMs);
    if (nowMs > this.#lastNowMs) this.#lastNowMs = nowMs;
    return this.#lastNowMs;
  }

  /** Drops this session when its lease has run out; a new one is opened with the next heartbeat. True: it was dropped. */
  loseIfLapsed(): boolean {
    if (!this.#open || this.leaseHeld()) return false;
    this.lose('no heartbeat was acknowledged for too long');
    return true;
  }

  /** Gives this session up: it lets go of everything, and a new one is opened with the next heartbeat. */
  lose(reason: string): void {
    if (!this.#open) return;
    this.#open = false;
    this.#dependencies.logger.error({ session: this.#id, reason }, 'session lost: everything it held is let go');
    this.#dependencies.onLost();
  }

  async #openNew(): Promise<void> {
    const { store, clock, identities, options } = this.#dependencies;
    const id = identities.newSession();
    const sentMs = clock.monotonicMs();
    await store.openSession(id, { node: options.node, version: options.version });
    const nowMs = await store.nowMs();
    // Stopped while it was being opened: nobody would ever end it.
    if (this.#stopped) return store.endSession(id);
    this.#id = id;
    this.#acknowledge(sentMs, nowMs);
    this.#open = true;
  }

  #acknowledge(sentMs: number, nowMs: number): void {
    this.#acknowledgedSentMs = sentMs;
    this.#storeMs = nowMs;
    this.#storeReadAtMs = this.#dependencies.clock.monotonicMs();
  }

  #schedule(): void {
    if (this.#stopped) return;
    this.#timer = this.#dependencies.clock.setTimer(this.#dependencies.options.heartbeatMs, () => {
      void this.#beat().finally(() => this.#schedule());
    });
  }

  async #beat(): Promise<void> {
    const { store, clock, logger } = this.#dependencies;
    this.loseIfLapsed();
    const sentMs = clock.monotonicMs();
    const id = this.#id;
    try {
      if (this.#open) {
        const { alive, nowMs } = await store.heartbeat(id);
        if (!this.#open) return;
        if (alive) return this.#acknowledge(sentMs, nowMs);
        this.lose('another node ended it after a silence');
      }
      // What the lost session still owns in the store is released by the next take-over.
      await store.endSession(id);
      if (!this.#stopped) await this.#openNew();
    } catch (error) {
      logger.warn({ session: id, error: String(error) }, 'heartbeat failed');
    }
  }
}
