import { type Entry, type RecordHead, type StoredTransaction, transitions } from '@holdfast/core';
import type { TransactionKey } from '@holdfast/protocol';
import { ByteReader, ByteWriter } from './bytes.ts';
import type { Environment } from './environment.ts';
import { checkFormat } from './formats.ts';
import * as keys from './keys.ts';
import { readDefinition, readEntry, readHead, readState } from './record.ts';

/** Reads records. Each read sees what was committed last. */
export class Records {
  readonly #env: Environment;
  /** For the keys of reads; those of writes lie in the write. */
  readonly #scratch = new ByteWriter(4096);

  constructor(env: Environment) {
    this.#env = env;
  }

  /** Where the record of a key stands; undefined when there is none. */
  find(key: TransactionKey): keys.RecordPlace | undefined {
    const value = this.#env.read(keys.gidKey(this.#clean(), key));
    return value && { key, createdAtMs: readCreatedAt(value) };
  }

  /** The head of a record and, with it, its state. */
  change(place: keys.RecordPlace): { readonly head: RecordHead; readonly state: Uint8Array } | undefined {
    const value = this.#change(place);
    if (value === undefined) return undefined;
    const from = new ByteReader(value);
    return { head: readHead(from, place), state: readState(from) };
  }

  /** The head of a record. */
  head(place: keys.RecordPlace): RecordHead | undefined {
    const value = this.#change(place);
    return value && readHead(new ByteReader(value), place);
  }

  /** A whole record. */
  read(key: TransactionKey): StoredTransaction | undefined {
    const place = this.find(key);
    const change = place && this.change(place);
    return change && this.complete(change.head, change.state);
  }

  /** A whole record, of which head and state are known. */
  complete(head: RecordHead, state: Uint8Array): StoredTransaction | undefined {
    const birth = this.#env.read(keys.recordKey(this.#clean(), head, keys.RECORD_PARTS.birth));
    if (birth === undefined) return undefined;
    const definition = readDefinition(new ByteReader(birth));
    return transitions.storedTransaction(head, definition, state, head.entryCount === 0 ? [] : this.entries(head));
  }

  /** The entries of a record, in the order in which they were appended. */
  entries(place: keys.RecordPlace): Entry[] {
    const range = keys.entryRange(this.#clean(), place);
    const found = [...this.#env.scan(range)].map(({ key, value }) =>
      readEntry(new ByteReader(value), keys.readEntryKey(key, range)),
    );
    return found.toSorted((a, b) => a.order - b.order).map(({ entry }) => entry);
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

/** Reads the value that a gid or a due time leads to. */
export function readCreatedAt(value: Uint8Array): number {
  const from = new ByteReader(value);
  checkFormat(from.u8());
  return from.u48();
}
