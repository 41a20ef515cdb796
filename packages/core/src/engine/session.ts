import { logTextOfThrown, textOfThrown } from '@holdfast/protocol';
import type { Clock, Identities, Logger, Random, Timer } from '../environment.ts';
import type { SessionId, Store } from '../store/store.ts';
import { PacedWarning } from './paced-warning.ts';

interface SessionDependencies {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly identities: Identities;
  readonly logger: Logger;
  readonly options: {
    readonly node: string;
    readonly version: string;
    readonly heartbeatMs: number;
    readonly silenceMs: number;
  };
  /** The session has ended: every run must be dropped without another call or write. */
  readonly onLost: () => void;
  /**
   * The store has lost acknowledged writes: the records of the transactions in memory are restored
   * where that is possible, and the others are reported. Never rejects.
   */
  readonly onWentBack: () => Promise<void>;
}

/** A point in time, or a duration, on both clocks. */
interface Moment {
  readonly monotonicMs: number;
  readonly wallMs: number;
}

/**
 * Share of the silence limit after which a node without an acknowledged heartbeat stops calling
 * branches: before another may start.
 */
const LEASE_SHARE = 2 / 3;
/**
 * By how much the wall clock may fall behind the monotonic one before it counts as set back.
 */
const SET_BACK_MS = 1_000;
/**
 * Delay before the next request to the store after a failed heartbeat or a lost session; up to half
 * of this is added at random.
 */
const AGAIN_MS = 400;
/**
 * This node's session: sends heartbeats, decides whether the lease holds, and provides engine time.
 *
 * L1  The lease holds while the last acknowledged heartbeat was sent less than two thirds of the
 *     silence limit ago, on the monotonic clock (which stops while the machine is suspended) and on
 *     the wall clock. The lease does not hold if the wall clock was set back since then, because
 *     that may hide a suspension. A store that only one process can open needs no lease, because
 *     it is locked.
 * L2  A session that was ended, or whose lease expired, is never resumed: the node drops all its
 *     runs and opens a new session.
 * L3  Engine time is the store's time at the last heartbeat plus the monotonic time since, and
 *     never goes backwards.
 * L4  A node without a session, or whose heartbeat failed, tries again within a fraction of a
 *     second, and different nodes at different moments.
 * L6  If the stored heartbeat of this session is older than the acknowledged one, the store has
 *     lost writes: it was restored from a backup, or failed over to a replica that lacked them. The
 *     node restores and reports the records of its transactions, and abandons the session, because
 *     ownership is in doubt as well.
 */
export class Session {
  readonly #dependencies: SessionDependencies;
  #id: SessionId = '';
  /** When the last acknowledged heartbeat was sent, on both clocks. */
  #acknowledgedSent: Moment = { monotonicMs: -Infinity, wallMs: -Infinity };
  /**
   * The time of the last acknowledged heartbeat of this session, by the store's clock; 0: none yet.
   */
  #heartbeatAtMs = 0;
  #goingBack = false;
  #storeMs = 0;
  #storeReadAtMs = 0;
  #lastNowMs = 0;
  #timer: Timer | undefined;
  #stopped = false;
  #open = false;
  /** A heartbeat, or the opening of a new session, is in progress. */
  #beating = false;
  /** Why the last heartbeat, or the opening of a session, failed; undefined: it succeeded. */
  #failure: string | undefined;
  readonly #trouble: PacedWarning;

  constructor(dependencies: SessionDependencies) {
    this.#dependencies = dependencies;
    const message = 'the heartbeat failed; it is sent again until the store responds';
    this.#trouble = new PacedWarning(dependencies, message, 'the store responds again');
  }

  get id(): SessionId {
    return this.#id;
  }

  /** Why the last heartbeat, or the opening of a session, failed; undefined: it succeeded. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** Opens the session; throws the errors of the store. */
  async start(): Promise<void> {
    await this.#openNew();
    this.#schedule();
  }

  /** Ends the session, so that other nodes can take over at once what it still owns. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    const wasOpen = this.#open;
    this.#open = false;
    if (wasOpen) await this.#dependencies.store.endSession(this.#id);
  }

  leaseHeld(): boolean {
    const { store, options, clock } = this.#dependencies;
    if (!this.#open) return false;
    if (store.capabilities.exclusive) return true;
    // Without an object for the two times: called before each branch call.
    const sent = this.#acknowledgedSent;
    const monotonicMs = clock.monotonicMs() - sent.monotonicMs;
    const wallMs = clock.wallMs() - sent.wallMs;
    return Math.max(monotonicMs, wallMs) < options.silenceMs * LEASE_SHARE && monotonicMs - wallMs <= SET_BACK_MS;
  }

  /** Whether the lease is held. If it has expired, this session is abandoned. */
  keepsLease(): boolean {
    if (this.leaseHeld()) return true;
    this.loseIfLapsed();
    return false;
  }

  #moment(): Moment {
    const { clock } = this.#dependencies;
    return { monotonicMs: clock.monotonicMs(), wallMs: clock.wallMs() };
  }

  /** The time since the last acknowledged heartbeat was sent, on both clocks. */
  #sinceAcknowledged(): Moment {
    const now = this.#moment();
    const sent = this.#acknowledgedSent;
    return { monotonicMs: now.monotonicMs - sent.monotonicMs, wallMs: now.wallMs - sent.wallMs };
  }

  /** Engine time, ms since the epoch. */
  nowMs(): number {
    const nowMs = Math.round(this.#storeMs + this.#dependencies.clock.monotonicMs() - this.#storeReadAtMs);
    if (nowMs > this.#lastNowMs) this.#lastNowMs = nowMs;
    return this.#lastNowMs;
  }

  /**
   * Abandons this session if its lease has expired; a new one is opened as soon as the store
   * responds. Returns whether it was abandoned.
   */
  loseIfLapsed(): boolean {
    if (!this.#open || this.leaseHeld()) return false;
    const { monotonicMs, wallMs } = this.#sinceAcknowledged();
    const limitMs = this.#dependencies.options.silenceMs * LEASE_SHARE;
    this.lose(lapse(monotonicMs, wallMs, limitMs));
    return true;
  }

  /**
   * Abandons this session: all runs are dropped, and a new session is opened as soon as the store
   * responds.
   */
  lose(reason: string): void {
    if (!this.#open) return;
    this.#open = false;
    this.#dependencies.logger.error({ session: this.#id, reason }, 'session lost; dropping all transactions it owned');
    try {
      this.#dependencies.onLost();
    } catch (error) {
      this.#dependencies.logger.error(
        { session: this.#id, error: logTextOfThrown(error) },
        'could not drop every transaction of the lost session',
      );
    }
    // A heartbeat in progress schedules the next one when it has finished.
    if (!this.#beating) this.#schedule();
  }

  /**
   * The store was found to have lost acknowledged writes (L6). `foundMs`: the stored heartbeat of
   * this session; null: the session is not stored; undefined: another write was missing.
   */
  async wentBack(foundMs?: number | null): Promise<void> {
    if (!this.#open || this.#goingBack) return;
    this.#goingBack = true;
    this.#dependencies.logger.error(
      { session: this.#id, acknowledgedMs: this.#heartbeatAtMs, foundMs },
      'the store has lost acknowledged writes: it was restored from an older backup or file, or failed over to a replica that lacked them; ' +
        'this node compares the transactions that it owns and restores them; other transactions may be missing or in an earlier state: compare them with the participants',
    );
    try {
      await this.#dependencies.onWentBack();
    } finally {
      this.#goingBack = false;
      this.lose('the store has lost acknowledged writes');
    }
  }

  async #openNew(): Promise<void> {
    const { store, identities, options } = this.#dependencies;
    const id = identities.newSession();
    const sent = this.#moment();
    await store.openSession(id, { node: options.node, version: options.version });
    const nowMs = await store.nowMs();
    // Stopped while it was being opened: nothing else would end the new session.
    if (this.#stopped) return store.endSession(id);
    this.#id = id;
    this.#heartbeatAtMs = 0;
    this.#acknowledge(sent, nowMs);
    this.#open = true;
  }

  #acknowledge(sent: Moment, nowMs: number): void {
    this.#acknowledgedSent = sent;
    this.#storeMs = nowMs;
    this.#storeReadAtMs = this.#dependencies.clock.monotonicMs();
  }

  #schedule(): void {
    if (this.#stopped) return;
    const { clock, options, random } = this.#dependencies;
    const soonMs = AGAIN_MS * (1 + random() / 2);
    const delayMs =
      this.#open && this.#failure === undefined ? options.heartbeatMs : Math.min(soonMs, options.heartbeatMs);
    this.#timer?.cancel();
    this.#timer = clock.setTimer(delayMs, () => void this.#beat());
  }

  async #beat(): Promise<void> {
    this.#beating = true;
    this.loseIfLapsed();
    this.#failure = await this.#beatOnce();
    if (this.#failure === undefined) this.#trouble.succeeded({ session: this.#id });
    this.#beating = false;
    this.#schedule();
  }

  /** Resolves to why the heartbeat failed; undefined: it succeeded. */
  async #beatOnce(): Promise<string | undefined> {
    const { store } = this.#dependencies;
    const sent = this.#moment();
    const id = this.#id;
    try {
      if (this.#open) {
        const { alive, nowMs, lastMs } = await store.heartbeat(id);
        if (!this.#open) return undefined;
        if (lastMs === null || lastMs < this.#heartbeatAtMs) await this.wentBack(lastMs);
        else if (!alive) this.lose('another node ended it after a silence');
        else if (!this.loseIfLapsed()) {
          this.#acknowledge(sent, nowMs);
          this.#heartbeatAtMs = nowMs;
          return undefined;
        }
      }
      // What the lost session still owns in the store is released by the next takeover.
      await store.endSession(id);
      if (!this.#stopped) await this.#openNew();
      return undefined;
    } catch (error) {
      this.#trouble.failed(error, { session: id });
      return textOfThrown(error);
    }
  }
}

/**
 * Why the lease does not hold, by the time since the last acknowledged heartbeat on both clocks.
 */
function lapse(monotonicMs: number, wallMs: number, limitMs: number): string {
  if (monotonicMs >= limitMs) return 'no heartbeat was acknowledged for too long';
  return wallMs >= limitMs
    ? `no heartbeat was acknowledged for ${wallMs} ms by the wall clock: the machine was suspended, or its clock was set forward`
    : `the wall clock was set back by ${Math.round(monotonicMs - wallMs)} ms, which may hide that the machine was suspended`;
}
