import { CHAIN_START, type ChainEntry, type ChainPoint, isIntact, readEntry } from './chain.ts';

/** What a check of the chain found. */
export interface ChainVerdict {
  /** The first fault; undefined: the chain is whole. */
  readonly fault: string | undefined;
  readonly entries: number;
  /** The last entry of the whole part. */
  readonly last: ChainPoint;
  /** Sequence numbers of actions without a result: their outcome is unknown. At most 100. */
  readonly withoutResult: readonly number[];
}

const MOST_OPEN_SHOWN = 100;
/** Actions in progress at once; an older one without a result is then reported at once. */
const MOST_OPEN = 100_000;

/**
 * Checks lines of the audit log, in the order of their sequence numbers. The first fault is kept,
 * and the lines after it are ignored.
 */
export class ChainCheck {
  readonly #expected: ChainPoint | undefined;
  #last: ChainPoint = CHAIN_START;
  /** Where the stored part of the chain begins. */
  #anchor: ChainPoint = CHAIN_START;
  /** The last deletion that an entry records. */
  #pruned: ChainPoint | undefined;
  #isExpectedSeen: boolean;
  #fault: string | undefined;
  #entries = 0;
  readonly #open = new Set<number>();

  /** @param expected an entry that the log is known to have had */
  constructor(expected?: ChainPoint) {
    this.#expected = expected;
    this.#isExpectedSeen = expected === undefined || isSame(expected, CHAIN_START);
  }

  get fault(): string | undefined {
    return this.#fault;
  }

  /** The entries up to `anchor` are not stored any more. */
  startAt(anchor: ChainPoint): void {
    if (this.#fault !== undefined || anchor.sequence <= this.#last.sequence) return;
    this.#anchor = this.#last = anchor;
    this.#see(anchor);
  }

  /** Checks the next line. */
  add(line: string): void {
    if (this.#fault !== undefined) return;
    const entry = readEntry(line);
    this.#fault = entry === undefined ? this.#unreadable() : this.#faultOf(line, entry);
    if (entry === undefined || this.#fault !== undefined) return;
    this.#entries++;
    this.#last = entry;
    this.#see(entry);
    this.#note(entry);
  }

  /** The verdict after the last line. */
  end(): ChainVerdict {
    const { sequence, hash } = this.#last;
    const withoutResult = [...this.#open].slice(0, MOST_OPEN_SHOWN);
    const fault = this.#fault ?? this.#faultAtEnd();
    return { fault, entries: this.#entries, last: { sequence, hash }, withoutResult };
  }

  #unreadable(): string {
    return `the entry after ${this.#last.sequence} was changed: it is not an entry of an audit log`;
  }

  #faultOf(line: string, entry: ChainEntry): string | undefined {
    const { sequence, prev } = entry;
    const next = this.#last.sequence + 1;
    if (!isIntact(line)) return `entry ${sequence} was changed: its hash is not that of its content`;
    if (sequence < next) return `entry ${sequence} is out of order: it follows entry ${this.#last.sequence}`;
    if (sequence > next)
      return sequence === next + 1 ? `entry ${next} is missing` : `entries ${next} to ${sequence - 1} are missing`;
    if (prev !== this.#last.hash)
      return `entry ${sequence} does not continue the chain: entry ${this.#last.sequence} was replaced, or it was`;
    return undefined;
  }

  #faultAtEnd(): string | undefined {
    if (this.#anchor.sequence > 0 && !(this.#pruned !== undefined && this.#pruned.sequence >= this.#anchor.sequence))
      return `the entries up to ${this.#anchor.sequence} are missing, and no entry records that they were deleted`;
    if (this.#isExpectedSeen || this.#expected === undefined) return undefined;
    const { sequence } = this.#expected;
    if (sequence > this.#last.sequence)
      return `entry ${sequence}, which is expected, is missing: the log ends with entry ${this.#last.sequence}`;
    return sequence < this.#anchor.sequence
      ? `entry ${sequence}, which is expected, was deleted because of its age; compare with a later one`
      : `entry ${sequence} is not the one that is expected`;
  }

  #see(point: ChainPoint): void {
    if (this.#expected !== undefined && isSame(this.#expected, point)) this.#isExpectedSeen = true;
  }

  #note({ sequence, fields }: ChainEntry): void {
    const { kind, begun, through, throughHash } = fields;
    if (kind === 'begun' && this.#open.size < MOST_OPEN) this.#open.add(sequence);
    if (kind === 'result' && typeof begun === 'number') this.#open.delete(begun);
    if (kind !== 'pruned' || typeof through !== 'number' || typeof throughHash !== 'string') return;
    this.#pruned = { sequence: through, hash: throughHash };
    if (through === this.#anchor.sequence && throughHash !== this.#anchor.hash)
      this.#fault = `entry ${sequence} records other deleted entries than those before entry ${through + 1}`;
  }
}

const isSame = (one: ChainPoint, other: ChainPoint): boolean =>
  one.sequence === other.sequence && one.hash === other.hash;
