import { SlotMap } from '../slot-map.ts';

/** The calls of one transaction to one destination. */
export interface CallBatch {
  /** Calls that have not started. */
  left: number;
  /** Calls that have started and not returned. */
  running: number;
  /**
   * Starts the next call and returns true. False: the transaction no longer wants any of them, and
   * the batch has already reported that.
   */
  readonly startNext: () => boolean;
}

interface Destination {
  running: number;
  /** Batches with a call that waits or runs. */
  batches: number;
  /**
   * Batches with calls that wait for a free slot, from `head`. A batch with several calls moves to
   * the end after each call.
   */
  waiting: CallBatch[];
  head: number;
  /** Moving average of the duration of a call; 0 before the first call has returned. */
  holdMs: number;
  /** When the last of the deferred transactions is to return, on the monotonic clock. */
  horizonMs: number;
  /** In [0, 1): the position within its range of the next deferral beyond the horizon. */
  spread: number;
  /** True while `#startWaiting` runs, so that nested calls start nothing. */
  starting: boolean;
  /** Waiting calls that were started since other events were last processed. */
  inTurn: number;
}

export interface DestinationsOptions {
  /** Maximum number of concurrent calls to one destination. */
  readonly maxRunning: number;
  /** Maximum number of transactions whose calls wait in memory for one destination. */
  readonly maxWaiting: number;
  /** The longest deferral, except when very many transactions wait (`LATE_GAP_MS`). */
  readonly maxDeferralMs: number;
  /**
   * Transactions that this node has room for, excluding a reserve in which each destination may
   * have one; negative within the reserve.
   */
  readonly room: () => number;
  readonly monotonicMs: () => number;
  /** Calls back after other events were processed. */
  readonly later: (callback: () => void) => void;
}

/** Calls to one destination that are taken from its queue before other events are processed. */
export const SLICE = 16;
/**
 * One destination holds at most this multiple of the remaining room, or one transaction, so that
 * other destinations always find room.
 */
const SHARE = 4;
const MIN_DEFERRAL_MS = 200;
/** Assumed duration of a call before the first has returned. */
const ASSUMED_HOLD_MS = 1_000;
/**
 * Time between two transactions deferred beyond half of the maximum: 500 per second over all
 * destinations.
 */
const LATE_GAP_MS = 2;
const PRUNE_MS = 1_000;
/** Weight of the latest call in the moving average. */
const WEIGHT = 1 / 16;
/** Multiples of the golden ratio are spread evenly over [0, 1). */
const GOLDEN = 0.618_033_988_749_895;

/**
 * Bounds the calls that run and wait for one destination, so that a slow service cannot use up the
 * node's capacity.
 *
 * A transaction that finds no room is deferred once: it receives the time after which to return.
 * Deferred transactions receive successive times, as far apart as the destination's calls end, so
 * that work in the store that waits for a slow destination is read and written about as often as a
 * slot becomes free. If such a time is later than `maxDeferralMs`, the transaction returns after
 * half to all of `maxDeferralMs`, or as often as `LATE_GAP_MS` allows for all destinations
 * together: 100,000 waiting transactions would otherwise be read and written 2,200 times per second
 * in vain, which delays all other retries.
 */
export class Destinations {
  readonly #byName = new SlotMap<Destination>();
  readonly #options: DestinationsOptions;
  #running = 0;
  /**
   * By destination: when the last of its deferred transactions with a long wait is to return, on
   * the monotonic clock. All destinations share one rate.
   */
  readonly #late = new Map<string, number>();
  /** When expired entries of `#late` were last removed. */
  #prunedMs = 0;

  constructor(options: DestinationsOptions) {
    this.#options = options;
  }

  /** Calls running, to all destinations. */
  get running(): number {
    return this.#running;
  }

  /**
   * Starts the calls of a batch, now or as slots become free. Returns 0, or, if there is no room,
   * the milliseconds after which to try again; in that case none of the calls starts. Each started
   * call must `leave`.
   */
  enter(name: string, batch: CallBatch): number {
    const destination = this.#byName.get(name) ?? this.#add(name);
    const { maxRunning, maxWaiting } = this.#options;
    const isFree = destination.running < maxRunning && destination.waiting.length === destination.head;
    if (!isFree && destination.waiting.length - destination.head >= maxWaiting) return this.deferralMs(name);
    if (destination.batches >= Math.max(1, SHARE * (this.#options.room() + 1))) return this.deferralMs(name);
    destination.batches++;
    // Fast path of nearly every call: a call that finds a free slot needs no queue.
    if (isFree && batch.left === 1) {
      if (!this.#start(destination, batch)) this.#end(name, destination);
      return 0;
    }
    destination.waiting.push(batch);
    this.#startWaiting(name, destination);
    return 0;
  }

  /** Gives the slot of a call, which took `heldMs`, to the next waiting call. */
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

  /**
   * Returns the milliseconds after which a transaction that finds no room for this destination is
   * to return.
   */
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

  /** The next return time of a deferred transaction with a long wait. */
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

  #end(name: string, destination: Destination): void {
    if (--destination.batches === 0 && this.#byName.get(name) === destination) this.#byName.delete(name);
  }

  /**
   * Starts waiting calls in rotation: after each of its calls a batch moves to the end of the
   * queue. A loop instead of recursion, because the loss of a session withdraws all waiting calls
   * at once. One slice of calls per turn of the event loop, however many slots become free: a
   * service that hung may respond to hundreds of calls at once.
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
