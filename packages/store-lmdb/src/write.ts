import { type Entry, StoreError } from '@holdfast/core/store';
import { CountsByNamespace, type RecordHead, transitions } from '@holdfast/core/store-kit';
import type { Changes } from './changes.ts';
import { type StoreClock, lastSequence } from './store-clock.ts';
import { flushCounts } from './counters.ts';
import type { Environment } from './environment.ts';
import { VALUE_FORMAT } from './formats.ts';
import * as keys from './keys.ts';
import type { OwnedRecords } from './owned-records.ts';
import { beginPlaces, writeBirth, writeChange, writeEntry, writePlace } from './records.ts';
import type { Records } from './read.ts';

export interface Durable {
  readonly env: Environment;
  readonly clock: StoreClock;
  readonly records: Records;
  readonly ownedRecords: OwnedRecords;
  readonly changes: Changes;
  /**
   * Whether the last write is in the file but its sync failed: nothing read from the file may be
   * acknowledged before a sync.
   */
  syncIsDoubtful: boolean;
}

/**
 * Assembles one durable write: records with everything derived from them. One write at a time.
 * While it is assembled, the clock and the owned records in memory are ahead of the file; a caller
 * that discards the write must load them again.
 */
export class DurableWrite {
  readonly nowMs: number;
  readonly #store: Durable;
  readonly #counts = new CountsByNamespace();
  readonly #finished: RecordHead[] = [];

  constructor(store: Durable) {
    this.#store = store;
    this.nowMs = store.clock.nowMs();
    store.changes.clear();
  }

  /** Adds a new record. */
  create(head: RecordHead, state: Uint8Array, definition: Uint8Array): void {
    const { changes } = this.#store;
    const { writer } = changes;
    this.#putCreatedAt(keys.gidKey(writer, head.key), head.createdAtMs);
    const key = keys.recordKey(writer, head, keys.RECORD_PARTS.birth);
    const start = writer.position;
    writeBirth(writer, head, state, definition);
    changes.put(key, start);
    this.#derive(undefined, head);
  }

  /** Adds a record's next version. */
  change(before: RecordHead, after: RecordHead, state: Uint8Array): void {
    const { changes } = this.#store;
    const { writer } = changes;
    const key = keys.recordKey(writer, after, keys.RECORD_PARTS.change);
    const start = writer.position;
    writeChange(writer, after, state);
    changes.put(key, start);
    this.#derive(before, after);
  }

  /** Adds one entry of a record. */
  addEntry(place: keys.RecordPlace, entry: Entry, order: number): void {
    const { changes } = this.#store;
    const key = keys.entryKey(changes.writer, place, entry.key);
    const start = changes.writer.position;
    writeEntry(changes.writer, order, entry.body);
    changes.put(key, start);
  }

  /** Deletes a finished record. */
  delete(head: RecordHead): void {
    const { changes, env } = this.#store;
    const { writer } = changes;
    changes.remove(keys.gidKey(writer, head.key));
    for (const part of Object.values(keys.RECORD_PARTS)) changes.remove(keys.recordKey(writer, head, part));
    // The number of entries is unknown for a damaged record and for one that replaced it.
    if (head.entryCount > 0 || head.damaged === true || head.version >= transitions.REPLACED_VERSION)
      for (const key of env.keys(keys.entryRange(writer, head))) changes.remove(key);
    this.#counts.note(head.key.namespace, head, undefined);
  }

  /** Puts a value on which no record depends. */
  put(key: Uint8Array, valueStart: number): void {
    this.#store.changes.put(key, valueStart);
  }

  remove(key: Uint8Array): void {
    this.#store.changes.remove(key);
  }

  #derive(before: RecordHead | undefined, after: RecordHead): void {
    this.#counts.note(after.key.namespace, before, after);
    this.#store.ownedRecords.note(before, after);
    const { changes } = this.#store;
    if (before !== undefined && before.dueAtMs !== null && before.dueAtMs !== after.dueAtMs)
      changes.remove(keys.dueKey(changes.writer, before.group, before.dueAtMs, before.key));
    if (after.dueAtMs !== null && after.dueAtMs !== before?.dueAtMs)
      this.#putCreatedAt(keys.dueKey(changes.writer, after.group, after.dueAtMs, after.key), after.createdAtMs);
    if (after.finishedAtMs !== null && (before === undefined || before.finishedAtMs === null))
      this.#finished.push(after);
  }

  #putCreatedAt(key: Uint8Array, createdAtMs: number): void {
    const { changes } = this.#store;
    const start = changes.writer.position;
    changes.writer.u8(VALUE_FORMAT).u48(createdAtMs);
    changes.put(key, start);
  }

  /**
   * Commits; resolves when the write is durable. Throws `unavailable` if nothing was applied,
   * `outcome_unknown` if that cannot be determined.
   */
  async commit(): Promise<void> {
    const { env, clock, changes, ownedRecords } = this.#store;
    // A repeated write changes nothing. After a failed sync the clock at least is written, and
    // synced together with the previous write.
    if (changes.keys.length === 0 && !this.#store.syncIsDoubtful) return;
    const sequence = clock.nextSequence;
    ownedRecords.flush(changes, sequence);
    flushCounts(this.#counts, env, changes);
    this.#putFinished(sequence);
    clock.flush(changes);
    try {
      await env.commit(changes);
      this.#store.syncIsDoubtful = false;
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      const isWritten = isIn(env, sequence);
      this.#store.syncIsDoubtful ||= isWritten;
      throw isWritten
        ? new StoreError('outcome_unknown', `a write may not have become durable: ${reason}`, cause)
        : new StoreError('unavailable', `nothing was written: ${reason}; is the disk full?`, cause);
    }
  }

  #putFinished(sequence: number): void {
    if (this.#finished.length === 0) return;
    const { changes } = this.#store;
    const key = keys.finishedKey(changes.writer, this.nowMs, sequence);
    const start = changes.writer.position;
    beginPlaces(changes.writer);
    for (const head of this.#finished) writePlace(changes.writer, head);
    changes.put(key, start);
  }
}

/** Whether a write is in the file; true as well if the file cannot be read. */
function isIn(env: Environment, sequence: number): boolean {
  try {
    return lastSequence(env) >= sequence;
  } catch {
    return true;
  }
}
