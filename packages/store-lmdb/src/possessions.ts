import { type RecordHead, type SessionId, SlotMap } from '@holdfast/core';
import type { TransactionKey } from '@holdfast/protocol';
import { ByteReader, ByteWriter } from './bytes.ts';
import type { Changes } from './changes.ts';
import type { Environment } from './environment.ts';
import { allOwned, ownedKey, readOwnedKey } from './keys.ts';
import { beginPlaces, readPlaces, writePlace } from './record.ts';
import type { Records } from './records.ts';

/** A block with fewer members left than this share of what it lists is folded into the next one. */
const SPARSE = 1 / 4;
/** Blocks that list less are too small to be worth it. */
const FOLDED_FROM = 16;

interface Possession {
  head: RecordHead;
  block: Block;
  /** Its place among the block's members. */
  place: number;
}

/** What became owned in one write, listed under one key; the key goes when all of it was released or finished. */
class Block {
  /** Of the write that lists it; not known until then. */
  sequence = 0;
  listed = 0;
  /** Looked at by the next write. */
  touched = false;
  size = 0;
  /** Not a `Set`, which would keep what it held alive: see `SlotMap`. */
  readonly #members: (Possession | undefined)[] = [];

  add(possession: Possession): void {
    possession.block = this;
    possession.place = this.#members.push(possession) - 1;
    this.size++;
  }

  remove({ place }: Possession): void {
    this.#members[place] = undefined;
    this.size--;
  }

  members(): Possession[] {
    return this.#members.filter((member) => member !== undefined);
  }
}

/**
 * The heads of the records that are owned: at most what the nodes of this process drive at once. The hot path (a record is inserted with its owner,
 * driven, finished) then needs neither a read before its update nor an index key of its own.
 *
 * P1  In memory are exactly the owned records of the last commit.
 * P2  Each of them is listed in a block on disk, from which `load` finds them again. Blocks may list others too.
 */
export class Possessions {
  readonly #byNamespace = new Map<string, SlotMap<Possession>>();
  /** What becomes owned by the write that is being put together. */
  #next = new Block();
  #touched: Block[] = [];

  /** Finds what is owned on disk: a few reads for each transaction that was in progress, however many are stored. */
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

  /** The heads of what is owned by sessions that a condition holds for. */
  *ownedBy(holds: (owner: SessionId) => boolean): Generator<RecordHead> {
    for (const byGid of this.#byNamespace.values())
      for (const { head } of byGid.values()) if (head.owner !== null && holds(head.owner)) yield head;
  }

  /** How many records each owner has. */
  countByOwner(): ReadonlyMap<SessionId, number> {
    const counts = new Map<SessionId, number>();
    for (const { owner } of this.ownedBy(() => true))
      if (owner !== null) counts.set(owner, (counts.get(owner) ?? 0) + 1);
    return counts;
  }

  /** A record came or changed. */
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

  /** Writes what became owned, and drops or folds the blocks that are empty or sparse. */
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
    const possession = { head, block, place: 0 };
    byGid.set(head.key.gid, possession);
    block.add(possession);
  }

  #find(key: TransactionKey): Possession | undefined {
    return this.#byNamespace.get(key.namespace)?.get(key.gid);
  }
}
