import { type KeyValue, type KeyValueId, type Store, StoreError } from '@holdfast/core/store';
import { HoldfastError } from '@holdfast/protocol';
import { CHAIN_START, type ChainEntry, type ChainPoint, readEntry } from './chain.ts';

/** No request can name it: see `namespaceFault`. */
const NAMESPACE = '$holdfast';
const ENTRIES = { namespace: NAMESPACE, category: 'audit' };
const ANCHOR: KeyValueId = { namespace: NAMESPACE, category: 'audit-anchor', key: 'anchor' };
/** Digits of a key, so that keys sort by number. */
const DIGITS = 16;
/** Reads of entries in flight at once. */
const PARALLEL = 16;

const idOf = (sequence: number): KeyValueId => ({ ...ENTRIES, key: String(sequence).padStart(DIGITS, '0') });

/** A stored entry with its line. */
export interface StoredEntry extends ChainEntry {
  readonly line: string;
}

/** The point before the first entry that is kept, with the version of its key-value. */
export interface Anchor extends ChainPoint {
  readonly version: number;
}

/**
 * The entries of the audit log as key-values of a store: an entry is appended by creating the key
 * of its number, which only one node can do.
 */
export class AuditStore {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  nowMs(): Promise<number> {
    return this.#store.nowMs();
  }

  /**
   * Stores the entry with this number unless there is one. A write with unknown outcome is resolved
   * by a read: each line is unique.
   */
  async create(sequence: number, line: string): Promise<'applied' | 'conflict'> {
    const id = idOf(sequence);
    try {
      if ((await this.#store.kvPut(id, line, 0)) === 'applied') return 'applied';
    } catch (error) {
      if (!(error instanceof StoreError) || error.code !== 'outcome_unknown') throw error;
    }
    const stored = await this.#store.kvGet(id);
    // Without an entry, the write with unknown outcome was not applied: the caller tries again.
    return stored?.value === line ? 'applied' : 'conflict';
  }

  /** Undefined if there is none, or if it cannot be read. */
  async read(sequence: number): Promise<StoredEntry | undefined> {
    const stored = await this.#store.kvGet(idOf(sequence));
    return stored === undefined ? undefined : entryOf(stored);
  }

  /** The entries with these numbers; undefined where there is none. */
  async readAll(sequences: readonly number[]): Promise<(StoredEntry | undefined)[]> {
    const found: (StoredEntry | undefined)[] = [];
    for (let from = 0; from < sequences.length; from += PARALLEL)
      found.push(...(await Promise.all(sequences.slice(from, from + PARALLEL).map((each) => this.read(each)))));
    return found;
  }

  async anchor(): Promise<Anchor> {
    const stored = await this.#store.kvGet(ANCHOR);
    if (stored === undefined) return { ...CHAIN_START, version: 0 };
    const { sequence, hash } = anchorOf(stored.value);
    return { sequence, hash, version: stored.version };
  }

  /** Moves the anchor; false if another node has moved it. */
  async moveAnchor({ version }: Anchor, { sequence, hash }: ChainPoint): Promise<boolean> {
    return (await this.#store.kvPut(ANCHOR, JSON.stringify({ sequence, hash }), version)) === 'applied';
  }

  /**
   * The last entry, found with a logarithmic number of reads: entries have consecutive numbers.
   *
   * @param from a point at or before the last entry
   */
  async head(from: ChainPoint): Promise<ChainPoint> {
    let low = from.sequence;
    let step = 1;
    while (await this.has(low + step)) {
      low += step;
      step *= 2;
    }
    let high = low + step;
    while (high - low > 1) {
      const middle = low + Math.floor((high - low) / 2);
      if (await this.has(middle)) low = middle;
      else high = middle;
    }
    if (low === from.sequence) return from;
    // A changed entry has no hash that can be continued; the next entry then shows the break.
    return (await this.read(low)) ?? { sequence: low, hash: CHAIN_START.hash };
  }

  /** One page of stored lines, oldest first. */
  async scan(cursor: string | undefined, limit: number): Promise<{ lines: string[]; next: string | null }> {
    const page = await this.#store.kvScan({ ...ENTRIES, limit, ...(cursor !== undefined && { cursor }) });
    return { lines: page.items.map(({ value }) => value), next: page.next };
  }

  /** Deletes an entry; returns false if there is none. */
  async remove(sequence: number): Promise<boolean> {
    const id = idOf(sequence);
    const stored = await this.#store.kvGet(id);
    return stored !== undefined && (await this.#store.kvDelete(id, stored.version)) === 'applied';
  }

  async has(sequence: number): Promise<boolean> {
    return (await this.#store.kvGet(idOf(sequence))) !== undefined;
  }
}

/** @throws {HoldfastError} if it was changed by another program */
function anchorOf(value: string): ChainPoint {
  try {
    const { sequence, hash } = JSON.parse(value) as Partial<ChainPoint>;
    if (Number.isSafeInteger(sequence) && typeof hash === 'string') return { sequence: sequence as number, hash };
  } catch {
    // As below.
  }
  throw new HoldfastError(
    'unavailable',
    `the audit log cannot be used: its anchor (the key-value ${ANCHOR.key} in ${ANCHOR.namespace}, ${ANCHOR.category}) was damaged by another program; restore it from a backup`,
  );
}

function entryOf({ value }: KeyValue): StoredEntry | undefined {
  const entry = readEntry(value);
  return entry === undefined ? undefined : { ...entry, line: value };
}
