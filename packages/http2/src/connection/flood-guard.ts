import { HTTP2_CODE } from '../constants.ts';
import { Http2Error } from '../http2-error.ts';

export interface FloodLimits {
  /** Frames of a kind that may come at once. */
  readonly burst: number;
  /** Frames of a kind that may come in each second. */
  readonly perSecond: number;
}

/** Frames that cost work but transfer nothing: PING, SETTINGS, PRIORITY, empty DATA, … */
const CONTROL: FloodLimits = { burst: 2_000, perSecond: 200 };
/** Streams that the peer resets or makes this side reset. */
const RESETS: FloodLimits = { burst: 1_000, perSecond: 100 };
/** Control frames that a useful frame permits: libraries measure a connection that they use. */
const CONTROL_PER_USE = 10;

/**
 * Bounds what a peer can make this side do for nothing. A peer that transfers messages may send
 * control frames in proportion.
 */
export class FloodGuard {
  readonly #control: Bucket;
  readonly #resets: Bucket;

  constructor(nowMs: number) {
    this.#control = new Bucket(CONTROL, nowMs);
    this.#resets = new Bucket(RESETS, nowMs);
  }

  /** A control frame came. Throws `Http2Error` when there are too many. */
  control(nowMs: number): void {
    if (!this.#control.take(nowMs)) throw new Http2Error(HTTP2_CODE.enhanceYourCalm, 'too many control frames');
  }

  /** A call was reset. Throws `Http2Error` when there are too many. */
  reset(nowMs: number): void {
    if (!this.#resets.take(nowMs)) throw new Http2Error(HTTP2_CODE.enhanceYourCalm, 'too many streams were reset');
  }

  /** A frame transferred something. */
  useful(): void {
    this.#control.give(CONTROL_PER_USE);
  }
}

class Bucket {
  readonly #limits: FloodLimits;
  #left: number;
  #filledMs: number;

  constructor(limits: FloodLimits, nowMs: number) {
    this.#limits = limits;
    this.#left = limits.burst;
    this.#filledMs = nowMs;
  }

  take(nowMs: number): boolean {
    if (this.#left < 1) {
      this.give(((nowMs - this.#filledMs) / 1_000) * this.#limits.perSecond);
      this.#filledMs = nowMs;
    }
    this.#left--;
    return this.#left >= 0;
  }

  give(count: number): void {
    this.#left = Math.min(this.#limits.burst, this.#left + count);
  }
}
