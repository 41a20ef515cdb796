import { SlotMap } from '../slot-map.ts';

/** The calls of one transaction to one destination. */
export interface CallBatch {
  /** Calls that have not started. */
  left: number;
  /** Calls that have started and not returned. */
  running: number;
  /**
   * Starts the next call and returns true. False: the transaction no longer wants any of them, and the batch has dealt with that.
   */
  readonly startNext: () => boolean;
}

interface Destination {
  running: number;
  /** Batches of which a call waits or runs. */
  batches: number;
  /** Batches with calls that wait for a place, from `head`. A batch with several calls gives way to the others after each. */
  waiting: CallBatch[];
  head: number;
  /** Moving average of how long a call takes; 0: none has returned yet. */
  holdMs: number;
  /** When the last of the refused transactions is to come back, by the monotonic clock. */
  horizonMs: number;
  /** In [0, 1): where in its range the next refusal beyond the horizon falls. */
  spread: number;
  /** Starts are being made: nothing else is to start any. */
  starting: boolean;
  /** Calls that waited and were started since other events had their turn. */
  inTurn: number;
}

export interface DestinationsOptions {
  /** Calls running at once to one destination. */
  readonly maxRunning: number;
  /** Transactions whose calls wait in memory for one destination. */
  readonly maxWaiting: number;
  /** Longest time after which a refused transaction comes back, unless very many wait. */
  readonly maxDeferralMs: number;
  /** Transactions that this node has room for, beyond a reserve in which each destination may have one; negative within the reserve. */
  readonly room: () => number;
  readonly monotonicMs: () => number;
  /** Continues after other events had their turn. */
  readonly later: (callback: () => void) => void;
}

/** Calls to one destination that are taken from its queue before other events get their turn. */
export const SLICE = 16;
/** One destination holds at most this multiple of the room that is left, or one transaction: the others always find some. */
const SHARE = 4;
const MIN_DEFERRAL_MS = 200;
/** How long a call is assumed to take before the first has returned. */
const ASSUMED_HOLD_MS = 1_000;
/**
 * Between two refused transactions that come back later than half of the longest time: 500 of all
 * destinations per second.
 */
const LATE_GAP_MS = 2;
const PRUNE_MS = 1_000;
/** Weight of the latest call in the moving average. */
const WEIGHT = 1 / 16;
/** Steps of the golden ratio fall evenly into [0, 1). */
const GOLDEN = 0.618_033_988_749_895;

/**
 * Bounds what runs and waits at once for one destination, so that a slow service cannot take all there is.
 *
 * A transaction that finds no room is refused once, with the time after which to come back:
 * transactions get successive places in time, as far apart as the destination's calls end. So work
 * that waits in the store for a slow destination is read and written about as often as a place
 * becomes free. Where that is later than `maxDeferralMs`, each comes back once in half to all of
 * it, or as often as `LATE_GAP_MS` allows for all together: 100,000 that wait would otherwise be
 * read and written 2,200 times a second for nothing, which delays the retries of all others.
 */
export class Destinations {
  readonly #byName = new SlotMap<Destination>();
  readonly #options: DestinationsOptions;
  #running = 0;
  /**
   * By destination: when the last of its refused transactions that have to wait for long is to come
   * back, by the monotonic clock. The destinations share the pace.
   */
  readonly #late = new Map<string, number>();
  /** When those whose time has passed were removed. */
  #prunedMs = 0;

  constructor(options: DestinationsOptions) {
    this.#options = options;
  }

  /** Calls running, to all destinations. */
  get running(): number {
    return this.#running;
  }

  /**
   * Starts the calls of a batch, now or as places become free. Returns 0, or when there is no room the milliseconds after which to try again; none of the
   * calls will then start. Each call that started must `leave`.
   */
  enter(name: string, batch: CallBatch): number {
    const destination = this.#byName.get(name) ?? this.#add(name);
    const { maxRunning, maxWaiting } = this.#options;
    const isFree = destination.running < maxRunning && destination.waiting.length === destination.head;
    if (!isFree && destination.waiting.length - destination.head >= maxWaiting) return this.deferralMs(name);
    if (destination.batches >= Math.max(1, SHARE * (this.#options.room() + 1))) return this.deferralMs(name);
    destination.batches++;
    // The way of nearly every call: one that finds a place needs no queue.
    if (isFree && batch.left === 1) {
      if (!this.#start(destination, batch)) this.#end(name, destination);
      return 0;
    }
    destination.waiting.push(batch);
    this.#startWaiting(name, destination);
    return 0;
  }

  /** Gives the place of a call, which took `heldMs`, to the next one that waits. */
  leave(name: string, batch: CallBatch, heldMs: number): void {
    const destination = this.#byName.get(name);
    if (destination === undefined || batch.running === 0) return;
    const { holdMs } = destination;
    destination.holdMs = holdMs === 0 ? heldMs : holdMs + (heldMs - holdMs) * WEIGHT;
    this.#running--;
    destination.running--;
    batch.running--;
    if (batch.running === 0 && batch.left === 0) this.#end(name, destination);
    if (destination.head < destination.waiting.length) this.#startWaiting(name, destination);
    else destination.horizonMs = 0;
  }

  /** The milliseconds after which a transaction that finds no room for this destination is to come back. */
  deferralMs(name: string): number {
    const destination = this.#byName.get(name);
    const { maxRunning, maxDeferralMs, monotonicMs } = this.#options;
    if (destination === undefined) return MIN_DEFERRAL_MS;
    const nowMs = monotonicMs();
    const gapMs = (destination.holdMs || ASSUMED_HOLD_MS) / maxRunning;
    const queueMs = (destination.waiting.length - destination.head) * gapMs;
    const earliestMs = nowMs + Math.max(MIN_DEFERRAL_MS, queueMs);
    destination.horizonMs = Math.min(Math.max(destination.horizonMs + gapMs, earliestMs), nowMs + maxDeferralMs);
    const delayMs = destination.horizonMs - nowMs;
    if (delayMs < maxDeferralMs) return Math.ceil(delayMs);
    destination.spread = (destination.spread + GOLDEN) % 1;
    const lateMs = this.#lateMs(name, nowMs);
    return Math.ceil(Math.max((maxDeferralMs / 2) * (1 + destination.spread), lateMs - nowMs));
  }

  /** The next place in time of a refused transaction that has to wait for long. */
  #lateMs(name: string, nowMs: number): number {
    if (!this.#late.has(name) || nowMs - this.#prunedMs > PRUNE_MS) this.#prune(nowMs);
    const before = this.#late.get(name) ?? 0;
    const sharing = this.#late.size + (before === 0 ? 1 : 0);
    const lateMs = Math.max(before + LATE_GAP_MS * sharing, nowMs + this.#options.maxDeferralMs / 2);
    this.#late.set(name, lateMs);
    return lateMs;
  }

  #prune(nowMs: number): void {
    this.#prunedMs = nowMs;
    for (const [name, lateMs] of this.#late) if (lateMs <= nowMs) this.#late.delete(name);
  }

  #add(name: string): Destination {
    const added: Destination = {
      running: 0,
      batches: 0,
      waiting: [],
      head: 0,
      holdMs: 0,
      horizonMs: 0,
      spread: 0,
      starting: false,
      inTurn: 0,
    };
    this.#byName.set(name, added);
    return added;
  }

  /** A batch is over. */
  #end(name: string, destination: Destination): void {
    if (--destination.batches === 0 && this.#byName.get(name) === destination) this.#byName.delete(name);
  }

  /**
   * Places are taken in turns: after each of its calls a batch goes behind the others. A loop and
   * no recursion: when a session is lost, all that waits is withdrawn at once. A slice of calls in
   * each turn of the event loop, however many places become free in it: a service that hung
   * responds to hundreds of calls at once.
   */
  #startWaiting(name: string, destination: Destination): void {
    if (destination.starting) return;
    destination.starting = true;
    while (destination.inTurn < SLICE && this.#hasWork(destination)) {
      const batch = destination.waiting[destination.head++];
      if (batch === undefined) continue;
      if (destination.inTurn++ === 0) this.#options.later(() => this.#nextTurn(name, destination));
      if (!this.#start(destination, batch)) {
        if (batch.running === 0) this.#end(name, destination);
      } else if (batch.left > 0) destination.waiting.push(batch);
    }
    destination.starting = false;
    trim(destination);
  }

  #nextTurn(name: string, destination: Destination): void {
    destination.inTurn = 0;
    this.#startWaiting(name, destination);
  }

  #hasWork({ running, head, waiting }: Destination): boolean {
    return running < this.#options.maxRunning && head < waiting.length;
  }

  #start(destination: Destination, batch: CallBatch): boolean {
    batch.left--;
    destination.running++;
    batch.running++;
    this.#running++;
    if (batch.startNext()) return true;
    batch.left = 0;
    destination.running--;
    batch.running--;
    this.#running--;
    return false;
  }
}

function trim(destination: Destination): void {
  if (destination.head <= 64 || destination.head * 2 <= destination.waiting.length) return;
  destination.waiting.splice(0, destination.head);
  destination.head = 0;
}
