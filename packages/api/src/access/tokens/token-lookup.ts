import { setTimeout as delay } from 'node:timers/promises';
import { HoldfastError } from '@holdfast/protocol';
import type { TokenBook } from './token-book.ts';
import type { StoredToken } from './token-record.ts';

/** A token as it was read from the store. */
export interface TokenRead {
  /** Undefined: there is none. */
  readonly token: StoredToken | undefined;
  /** When the read began, by the monotonic clock. */
  readonly readMs: number;
}

/** Tokens that are known to exist; more than a store keeps. */
const MOST_KNOWN = 2_000;
/** Tokens that are kept, existing or not. */
const MOST_KEPT = 2_000;
/** Reads of the store at once. */
const MOST_READS = 64;
const MOST_WAITING = 1_000;
/** After this time, which includes its wait for other reads, a read is abandoned. */
const LONGEST_READ_MS = 5_000;
/** For how long a read is used again. */
const KEPT_MS = 2_500;
/** Shortest time between two reads of a token that are made because of wrong texts. */
const AGAIN_MS = 100;

/**
 * Reads tokens for authentication. Equal reads are one, and repeated reads are kept, also those of
 * tokens that do not exist: requests with wrong tokens cost the store little. A token that was
 * found before does not wait behind those, so that its callers do not notice a flood of them.
 */
export class TokenLookup {
  readonly #book: Pick<TokenBook, 'get'>;
  readonly #nowMs: () => number;
  readonly #longestReadMs: number;
  readonly #kept = new Map<string, TokenRead>();
  readonly #reading = new Map<string, Promise<TokenRead>>();
  readonly #known = new Set<string>();
  readonly #waiting: (() => void)[] = [];
  /** Reads that `readAgain` made or is going to make: when, and the one that has not begun yet. */
  readonly #again = new Map<string, { readonly atMs: number; coming?: Promise<TokenRead> | undefined }>();
  #reads = 0;

  constructor(book: Pick<TokenBook, 'get'>, nowMs: () => number, longestReadMs = LONGEST_READ_MS) {
    this.#book = book;
    this.#nowMs = nowMs;
    this.#longestReadMs = longestReadMs;
  }

  /** Throws `unavailable` or `overloaded` if the token cannot be read. */
  read(id: string): Promise<TokenRead> {
    const kept = this.#kept.get(id);
    if (kept !== undefined && this.#nowMs() - kept.readMs < KEPT_MS) return Promise.resolve(kept);
    const reading = this.#reading.get(id);
    if (reading !== undefined) return reading;
    const begun = this.#read(id).finally(() => {
      // A read that `forget` has detached is not the current one.
      if (this.#reading.get(id) === begun) this.#reading.delete(id);
    });
    this.#reading.set(id, begun);
    return begun;
  }

  /**
   * Reads a token whose kept read does not have the presented secret: another node may have
   * rotated it since. The read begins after the call, and all callers until then share it.
   */
  readAgain(id: string): Promise<TokenRead> {
    const last = this.#again.get(id);
    if (last?.coming !== undefined) return last.coming;
    const nowMs = this.#nowMs();
    const pauseMs = last === undefined ? 0 : Math.max(0, last.atMs + AGAIN_MS - nowMs);
    const next: { readonly atMs: number; coming?: Promise<TokenRead> | undefined } = { atMs: nowMs + pauseMs };
    next.coming = (async () => {
      // In any case later than the assignment.
      await (pauseMs > 0 ? delay(pauseMs) : undefined);
      next.coming = undefined;
      this.forget(id);
      return this.read(id);
    })();
    this.#again.delete(id);
    this.#again.set(id, next);
    const [oldest] = this.#again.keys();
    if (this.#again.size > MOST_KEPT && oldest !== undefined) this.#again.delete(oldest);
    return next.coming;
  }

  /** The next `read` begins a new read, also if one is in progress. */
  forget(id: string): void {
    this.#kept.delete(id);
    this.#reading.delete(id);
  }

  /** A store that does not respond holds up no caller beyond the time of a read. */
  async #read(id: string): Promise<TokenRead> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(tooLate(this.#longestReadMs)), this.#longestReadMs);
    });
    try {
      await this.#enter(this.#known.has(id), late);
      return await this.#readNow(id, late);
    } finally {
      clearTimeout(timer);
    }
  }

  async #readNow(id: string, late: Promise<never>): Promise<TokenRead> {
    try {
      const readMs = this.#nowMs();
      const reading = this.#reading.get(id);
      const read = { token: await Promise.race([this.#book.get(id), late]), readMs };
      if (reading === this.#reading.get(id)) this.#keep(id, read);
      return read;
    } finally {
      this.#reads--;
      if (this.#reads < MOST_READS) this.#waiting.shift()?.();
    }
  }

  async #enter(isKnown: boolean, late: Promise<never>): Promise<void> {
    if (!isKnown && this.#reads >= MOST_READS) {
      if (this.#waiting.length >= MOST_WAITING)
        throw new HoldfastError('overloaded', 'too many tokens are being checked at once; repeat the request');
      let turn!: () => void;
      const waiting = new Promise<void>((resolve) => this.#waiting.push((turn = resolve)));
      try {
        await Promise.race([waiting, late]);
      } catch (error) {
        const place = this.#waiting.indexOf(turn);
        // Its turn may have come at the same moment; then it is that of the next one.
        if (place < 0) this.#waiting.shift()?.();
        else this.#waiting.splice(place, 1);
        throw error;
      }
    }
    this.#reads++;
  }

  #keep(id: string, read: TokenRead): void {
    this.#known.delete(id);
    if (read.token !== undefined) this.#known.add(id);
    const [unused] = this.#known;
    if (this.#known.size > MOST_KNOWN && unused !== undefined) this.#known.delete(unused);
    this.#kept.delete(id);
    this.#kept.set(id, read);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > MOST_KEPT && oldest !== undefined) this.#kept.delete(oldest);
  }
}

const tooLate = (ms: number): HoldfastError =>
  new HoldfastError('unavailable', `the store did not return the token within ${ms} ms`);
