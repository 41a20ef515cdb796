import { type Entry, StoreError, type StoredTransaction } from '@holdfast/core/store';
import { type RecordHead, transitions } from '@holdfast/core/store-kit';
import type { TransactionKey } from '@holdfast/protocol';
import { ByteReader, ByteWriter } from './bytes.ts';
import type { Environment } from './environment.ts';
import { checkFormat } from './formats.ts';
import * as keys from './keys.ts';
import { damagedHead, readDefinition, readEntry, readHead, readState, withDamage } from './records.ts';

/** Number of records whose entry bytes are remembered. */
const KNOWN_ENTRY_BYTES = 10_000;

const idOf = ({ key, createdAtMs }: keys.RecordPlace): string => `${key.namespace}\0${key.gid}\0${createdAtMs}`;

/** Reads records. Each read sees the last committed data. */
export class Records {
  readonly #env: Environment;
  /** For the keys of reads; keys of writes are in the buffer of the write. */
  readonly #scratch = new ByteWriter(4096);
  /** Entry bytes of records that recently received entries, with their number of entries. */
  readonly #entryBytes = new Map<string, { readonly count: number; readonly bytes: number }>();

  constructor(env: Environment) {
    this.#env = env;
  }

  /** The place of a record by its key; undefined if there is none. */
  find(key: TransactionKey): keys.RecordPlace | undefined {
    const value = this.#env.read(keys.gidKey(this.#clean(), key));
    return value && { key, createdAtMs: readCreatedAt(value) };
  }

  /** The head of a record and, with it, its state. */
  change(place: keys.RecordPlace): { readonly head: RecordHead; readonly state: Uint8Array } | undefined {
    const value = this.#change(place);
    return value && readChange(value, place);
  }

  /** The head of a record. */
  head(place: keys.RecordPlace): RecordHead | undefined {
    const value = this.#change(place);
    return value && readWholeHead(new ByteReader(value), value, place);
  }

  /** A whole record. */
  read(key: TransactionKey): StoredTransaction | undefined {
    const place = this.find(key);
    const change = place && this.change(place);
    return change && this.complete(change.head, change.state);
  }

  /** Completes a record whose head and state are known. */
  complete(head: RecordHead, state: Uint8Array): StoredTransaction | undefined {
    const birth = this.#env.read(keys.recordKey(this.#clean(), head, keys.RECORD_PARTS.birth));
    if (birth === undefined) return undefined;
    try {
      const definition = readDefinition(new ByteReader(birth));
      const entries = head.entryCount === 0 ? [] : this.entries(head);
      const record = transitions.storedTransaction(head, definition, state, entries);
      return transitions.withEntriesCounted(record, head.entryCount);
    } catch (error) {
      return transitions.storedTransaction(withDamage(head, messageOf(error)), NO_BYTES, state, []);
    }
  }

  /** The entries of a record, in the order in which they were appended. */
  entries(place: keys.RecordPlace): Entry[] {
    const range = keys.entryRange(this.#clean(), place);
    const found = [...this.#env.scan(range)].map(({ key, value }) =>
      readEntry(new ByteReader(value), keys.readEntryKey(key, range)),
    );
    return found.toSorted((a, b) => a.order - b.order).map(({ entry }) => entry);
  }

  /**
   * The total size of a record's entry bodies. Remembered, since an append would otherwise read all
   * previous entries.
   */
  entryBytes(head: RecordHead): number {
    const known = this.#entryBytes.get(idOf(head));
    if (known?.count === head.entryCount) return known.bytes;
    const bytes = transitions.sumOfBodies(this.entries(head));
    this.#noteBytes(head, head.entryCount, bytes);
    return bytes;
  }

  /** Notes that entries are about to be added to a record. */
  addedEntries(before: RecordHead, added: readonly Entry[]): void {
    const known = before.entryCount === 0 ? { count: 0, bytes: 0 } : this.#entryBytes.get(idOf(before));
    if (known?.count === before.entryCount)
      this.#noteBytes(before, known.count + added.length, known.bytes + transitions.sumOfBodies(added));
  }

  /** Called after a failed write, whose entries were not added. */
  forgetEntryBytes(): void {
    this.#entryBytes.clear();
  }

  #noteBytes(head: RecordHead, count: number, bytes: number): void {
    if (this.#entryBytes.size >= KNOWN_ENTRY_BYTES) this.#entryBytes.clear();
    this.#entryBytes.set(idOf(head), { count, bytes });
  }

  /** One entry of a record. */
  entry(place: keys.RecordPlace, key: string): Entry | undefined {
    const value = this.#env.read(keys.entryKey(this.#clean(), place, key));
    return value && readEntry(new ByteReader(value), key).entry;
  }

  #change(place: keys.RecordPlace): Uint8Array | undefined {
    const changed = this.#env.read(keys.recordKey(this.#clean(), place, keys.RECORD_PARTS.change));
    return changed ?? this.#env.read(keys.recordKey(this.#clean(), place, keys.RECORD_PARTS.birth));
  }

  #clean(): ByteWriter {
    this.#scratch.reset();
    return this.#scratch;
  }
}

/** Head and state. A damaged value does not fail the call that reads it among others. */
export function readChange(
  value: Uint8Array,
  place: keys.RecordPlace,
): { readonly head: RecordHead; readonly state: Uint8Array } {
  const from = new ByteReader(value);
  const head = readWholeHead(from, value, place);
  try {
    if (head.damaged !== true) return { head, state: readState(from) };
  } catch (error) {
    return { head: withDamage(head, messageOf(error)), state: copyOf(value) };
  }
  return { head, state: copyOf(value) };
}

/** A copy, because a value is part of a larger buffer that the next read overwrites. */
const copyOf = (value: Uint8Array): Uint8Array => Uint8Array.from(value.subarray(0, value.length));

function readWholeHead(from: ByteReader, value: Uint8Array, place: keys.RecordPlace): RecordHead {
  try {
    return readHead(from, place);
  } catch (error) {
    return damagedHead(value, place, messageOf(error));
  }
}

const NO_BYTES = new Uint8Array(0);

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/**
 * Reads the time of creation from an index value. Throws `rejected` if the value is damaged,
 * because the record it leads to is then unknown.
 */
export function readCreatedAt(value: Uint8Array): number {
  const from = new ByteReader(value);
  checkFormat(from.u8());
  if (value.length === CREATED_AT_BYTES) return from.u48();
  throw new StoreError('rejected', 'a value in an index of the file is damaged; restore the file from a backup');
}

/** The format byte and the time. */
const CREATED_AT_BYTES = 7;
