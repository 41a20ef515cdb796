import { logTextOfThrown } from '@holdfast/protocol';
import type { Clock, Logger, Timer } from '../environment.ts';
import type { EngineObserver } from '../observer.ts';
import type { SessionRow, Store, TakeOverRequest } from '../store/store.ts';
import { STORE_LIMITS } from '../store/rules.ts';
import { PacedWarning } from './paced-warning.ts';
import { PurgePace } from './purge-pace.ts';
import type { Session } from './session.ts';
import { SilenceWatch } from './silence-watch.ts';

interface JanitorDependencies {
  readonly store: Store;
  readonly session: Session;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly observer: EngineObserver;
  readonly options: { readonly heartbeatMs: number; readonly silenceMs: number; readonly retentionMs: number };
  /** Called when released transactions are due at once. */
  readonly onReleased: () => void;
}

const TAKE_OVER_BATCH = 500;
/** Longest time by which the end of a silent node may be noticed late. */
const LONGEST_WATCH_MS = 1_000;
/** Delay of the first purge after a start. */
const FIRST_PURGE_MS = 50;

/**
 * Periodic duties: takes over the work of silent nodes, and purges finished transactions past their
 * retention.
 *
 * J1  Every node watches the heartbeats of the others. A session ends after it was silent for the
 *     silence limit by the store's clock, and its heartbeat stayed unchanged for the same time on
 *     the monotonic clock of the node that ends it. A node that has just started therefore waits
 *     for one silence limit, unless no other process can open the store.
 * J2  Only the oldest node purges, so that many nodes cause no more load than one. If it is lost,
 *     the next oldest purges; two nodes that both purge for a moment do no harm. Batches and pauses
 *     are those of `PurgePace`: deletion keeps up with the rate at which transactions finish.
 */
export class Janitor {
  readonly #d: JanitorDependencies;
  #timers: Partial<Record<'takeOver' | 'purge', Timer>> = {};
  #stopped = true;
  readonly #takeOverTrouble: PacedWarning;
  readonly #purgeTrouble: PacedWarning;
  readonly #purgePace = new PurgePace();
  readonly #silence = new SilenceWatch();

  constructor(dependencies: JanitorDependencies) {
    this.#d = dependencies;
    this.#takeOverTrouble = new PacedWarning(dependencies, 'the transactions of silent nodes could not be taken over');
    this.#purgeTrouble = new PacedWarning(dependencies, 'finished transactions could not be purged');
  }

  start(): void {
    this.#stopped = false;
    // Opening an exclusive store ends all earlier sessions at once: no other process can be alive.
    const { store, options } = this.#d;
    void this.#takeOver(store.capabilities.exclusive ? -1 : options.silenceMs);
    if (options.retentionMs > 0) this.#after('purge', FIRST_PURGE_MS, () => this.#purge());
  }

  stop(): void {
    this.#stopped = true;
    for (const timer of Object.values(this.#timers)) timer.cancel();
  }

  /**
   * Releases up to about `count` records that this node's ended session still owns, so that other
   * nodes need not find them. An exclusive store has no other nodes: its next start releases them.
   */
  async handOver(count: number): Promise<void> {
    const { store, options, logger } = this.#d;
    if (store.capabilities.exclusive) return;
    try {
      for (let released = 0; released < count;) {
        const taken = await store.takeOver(await this.#silentFor(options.silenceMs));
        if (!taken.more) return;
        released += taken.released;
      }
    } catch (error) {
      logger.warn(
        { error: logTextOfThrown(error) },
        'could not release the remaining transactions; other nodes will take them over',
      );
    }
  }

  /** The request that ends sessions silent for `silenceMs`; a negative value ends all. */
  async #silentFor(silenceMs: number): Promise<TakeOverRequest> {
    const { store, session, clock } = this.#d;
    const all = { silenceMs, keep: session.id, limit: TAKE_OVER_BATCH };
    // No other process can have a session.
    if (store.capabilities.exclusive) return all;
    const rows = await store.sessions();
    const nowMs = clock.monotonicMs();
    this.#silence.note(rows, nowMs);
    return { ...all, unchanged: this.#silence.unchangedFor(silenceMs, nowMs, STORE_LIMITS.unchanged) };
  }

  #after(duty: 'takeOver' | 'purge', delayMs: number, run: () => Promise<void>): void {
    if (!this.#stopped) this.#timers[duty] = this.#d.clock.setTimer(delayMs, () => void run());
  }

  async #takeOver(silenceMs: number): Promise<void> {
    const { store, session, options, logger, observer } = this.#d;
    let more = false;
    try {
      if (session.leaseHeld()) {
        const taken = await store.takeOver(await this.#silentFor(silenceMs));
        this.#takeOverTrouble.succeeded();
        more = taken.more;
        if (taken.ended.length > 0) logger.info({ sessions: taken.ended }, 'ended silent sessions');
        if (taken.released > 0) {
          observer.tookOver(taken.released);
          logger.info({ transactions: taken.released }, 'took over unfinished transactions');
          this.#d.onReleased();
        }
      }
    } catch (error) {
      this.#takeOverTrouble.failed(error);
    }
    const nextMs = this.#silence.nextInMs(options.silenceMs, this.#d.clock.monotonicMs());
    this.#after('takeOver', more ? 0 : Math.min(options.heartbeatMs / 2, LONGEST_WATCH_MS, nextMs), () =>
      this.#takeOver(more ? silenceMs : options.silenceMs),
    );
  }

  async #purge(): Promise<void> {
    const pace = this.#purgePace;
    const { clock } = this.#d;
    let delayMs: number | undefined;
    try {
      if (pace.hasBacklog || (await this.#isOldest())) {
        const startedMs = clock.monotonicMs();
        const purged = await this.#d.store.purge({ olderThanMs: this.#d.options.retentionMs, limit: pace.batch });
        delayMs = pace.next(purged, clock.monotonicMs() - startedMs);
        this.#purgeTrouble.succeeded();
      }
    } catch (error) {
      this.#purgeTrouble.failed(error);
    }
    this.#after('purge', delayMs ?? pace.idle(), () => this.#purge());
  }

  async #isOldest(): Promise<boolean> {
    const { store, session } = this.#d;
    if (store.capabilities.exclusive) return true;
    const [oldest] = (await store.sessions()).toSorted(byAge);
    return oldest?.session === session.id;
  }
}

const byAge = (a: SessionRow, b: SessionRow): number =>
  a.startedAtMs - b.startedAtMs || (a.session < b.session ? -1 : 1);
