import type { SessionId } from '@holdfast/core/store';
import { type RecordHead, SlotMap } from '@holdfast/core/store-kit';
import type { TransactionKey } from '@holdfast/protocol';
import { ByteReader, ByteWriter } from './bytes.ts';
import type { Changes } from './changes.ts';
import type { Environment } from './environment.ts';
import { allOwned, ownedKey, readOwnedKey } from './keys.ts';
import { beginPlaces, readPlaces, writePlace } from './records.ts';
import type { Records } from './read.ts';

/**
 * A block is folded into the next one when the share of its members that are still owned falls to
 * this value.
 */
const SPARSE = 1 / 4;
/** Blocks that list fewer records are too small for folding to pay off. */
const FOLDED_FROM = 16;

interface OwnedRecord {
  head: RecordHead;
  block: Block;
  /** Its index in the block's members. */
  place: number;
}

/**
 * The records that became owned in one write, listed under one key. The key is removed when all of
 * them were released or finished.
 */
class Block {
  /** Sequence of the write that lists the block; unknown until then. */
  sequence = 0;
  listed = 0;
  /** Whether the next write checks the block. */
  touched = false;
  size = 0;
  /** Not a `Set`, which would keep removed members alive: see `SlotMap`. */
  readonly #members: (OwnedRecord | undefined)[] = [];

  add(ownedRecord: OwnedRecord): void {
    ownedRecord.block = this;
    ownedRecord.place = this.#members.push(ownedRecord) - 1;
    this.size++;
  }

  remove({ place }: OwnedRecord): void {
    this.#members[place] = undefined;
    this.size--;
  }

  members(): OwnedRecord[] {
    return this.#members.filter((member) => member !== undefined);
  }
}

/**
 * The heads of the owned records: at most as many as the nodes of this process drive at once. The
 * hot path (a record is inserted with its owner, driven, finished) then needs neither a read before
 * its update nor a separate index key.
 *
 * P1  Memory contains exactly the owned records of the last commit.
 * P2  Each of them is listed in a block on disk, from which `load` reads them. Blocks may list
 *     other records as well.
 */
export class OwnedRecords {
  readonly #byNamespace = new Map<string, SlotMap<OwnedRecord>>();
  /** Records that become owned by the write that is being assembled. */
  #next = new Block();
  #touched: Block[] = [];

  /**
   * Loads the owned records from disk: a few reads for each transaction in progress, however many
   * are stored.
   */
  load(env: Environment, records: Records): void {
    this.#byNamespace.clear();
    this.#touched = [];
    this.#next = new Block();
    for (const { key, value } of env.scan(allOwned(new ByteWriter(64)))) {
      const places = readPlaces(new ByteReader(value));
      const block = new Block();
      block.sequence = readOwnedKey(key);
      block.listed = places.length;
      this.#touch(block);
      for (const place of places) {
        const head = this.head(place.key) === undefined ? records.head(place) : undefined;
        if (head !== undefined && head.owner !== null) this.#add(head, block);
      }
    }
  }

  /** The head of a record if it is owned. */
  head(key: TransactionKey): RecordHead | undefined {
    return this.#byNamespace.get(key.namespace)?.get(key.gid)?.head;
  }

  /** The heads of records whose owner meets a condition. */
  *ownedBy(holds: (owner: SessionId) => boolean): Generator<RecordHead> {
    for (const byGid of this.#byNamespace.values())
      for (const { head } of byGid.values()) if (head.owner !== null && holds(head.owner)) yield head;
  }

  /** The number of records of each owner. */
  countByOwner(): ReadonlyMap<SessionId, number> {
    const counts = new Map<SessionId, number>();
    for (const { owner } of this.ownedBy(() => true))
      if (owner !== null) counts.set(owner, (counts.get(owner) ?? 0) + 1);
    return counts;
  }

  /** Notes that a record was created or changed. */
  note(before: RecordHead | undefined, after: RecordHead): void {
    const owned = before === undefined || before.owner === null ? undefined : this.#find(after.key);
    if (owned === undefined) {
      if (after.owner !== null) this.#add(after, this.#next);
    } else if (after.owner !== null) {
      owned.head = after;
    } else {
      this.#byNamespace.get(after.key.namespace)?.delete(after.key.gid);
      owned.block.remove(owned);
      this.#touch(owned.block);
    }
  }

  /**
   * Writes the records that became owned, and removes or folds the blocks that are empty or sparse.
   */
  flush(changes: Changes, sequence: number): void {
    const { writer } = changes;
    for (const block of this.#touched) {
      block.touched = false;
      if (block.size > 0 && (block.listed < FOLDED_FROM || block.size > block.listed * SPARSE)) continue;
      for (const member of block.members()) this.#next.add(member);
      changes.remove(ownedKey(writer, block.sequence));
    }
    this.#touched = [];
    const block = this.#next;
    if (block.size === 0) return;
    block.sequence = sequence;
    block.listed = block.size;
    const key = ownedKey(writer, sequence);
    const start = writer.position;
    beginPlaces(writer);
    for (const member of block.members()) writePlace(writer, member.head);
    changes.put(key, start);
    this.#next = new Block();
  }

  #touch(block: Block): void {
    if (block.touched) return;
    block.touched = true;
    this.#touched.push(block);
  }

  #add(head: RecordHead, block: Block): void {
    let byGid = this.#byNamespace.get(head.key.namespace);
    if (byGid === undefined) this.#byNamespace.set(head.key.namespace, (byGid = new SlotMap()));
    const ownedRecord = { head, block, place: 0 };
    byGid.set(head.key.gid, ownedRecord);
    block.add(ownedRecord);
  }

  #find(key: TransactionKey): OwnedRecord | undefined {
    return this.#byNamespace.get(key.namespace)?.get(key.gid);
  }
}
