import type { RecordHead, SessionId } from '@holdfast/core';
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
}

/** What became owned in one write, listed under one key; the key goes when all of it was released or finished. */
interface Block {
  /** Of the write that lists it; not known until then. */
  sequence: number;
  listed: number;
  readonly members: Set<Possession>;
}

const emptyBlock = (): Block => ({ sequence: 0, listed: 0, members: new Set() });

/**
 * The heads of the records that are owned: at most what the nodes of this process drive at once. The hot path (a record is inserted with its owner,
 * driven, finished) then needs neither a read before its update nor an index key of its own.
 *
 * P1  In memory are exactly the owned records of the last commit.
 * P2  Each of them is listed in a block on disk, from which `load` finds them again. Blocks may list others too.
 */
export class Possessions {
  readonly #byNamespace = new Map<string, Map<string, Possession>>();
  /** What becomes owned by the write that is being put together. */
  #next = emptyBlock();
  readonly #touched = new Set<Block>();

  /** Finds what is owned on disk: a few reads for each transaction that was in progress, however many are stored. */
  load(env: Environment, records: Records): void {
    this.#byNamespace.clear();
    this.#touched.clear();
    this.#next = emptyBlock();
    for (const { key, value } of env.scan(allOwned(new ByteWriter(64)))) {
      const places = readPlaces(new ByteReader(value));
      const block: Block = { sequence: readOwnedKey(key), listed: places.length, members: new Set() };
      this.#touched.add(block);
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

  /** A record came or changed. */
  note(before: RecordHead | undefined, after: RecordHead): void {
    const owned = before === undefined || before.owner === null ? undefined : this.#find(after.key);
    if (owned === undefined) {
      if (after.owner !== null) this.#add(after, this.#next);
    } else if (after.owner !== null) {
      owned.head = after;
    } else {
      this.#byNamespace.get(after.key.namespace)?.delete(after.key.gid);
      owned.block.members.delete(owned);
      this.#touched.add(owned.block);
    }
  }

  /** Writes what became owned, and drops or folds the blocks that are empty or sparse. */
  flush(changes: Changes, sequence: number): void {
    const { writer } = changes;
    for (const block of this.#touched) {
      if (block.members.size > 0 && (block.listed < FOLDED_FROM || block.members.size > block.listed * SPARSE))
        continue;
      for (const member of block.members) {
        member.block = this.#next;
        this.#next.members.add(member);
      }
      changes.remove(ownedKey(writer, block.sequence));
    }
    this.#touched.clear();
    const block = this.#next;
    if (block.members.size === 0) return;
    block.sequence = sequence;
    block.listed = block.members.size;
    const key = ownedKey(writer, sequence);
    const start = writer.position;
    beginPlaces(writer);
    for (const member of block.members) writePlace(writer, member.head);
    changes.put(key, start);
    this.#next = emptyBlock();
  }

  #add(head: RecordHead, block: Block): void {
    let byGid = this.#byNamespace.get(head.key.namespace);
    if (byGid === undefined) this.#byNamespace.set(head.key.namespace, (byGid = new Map<string, Possession>()));
    const possession = { head, block };
    byGid.set(head.key.gid, possession);
    block.members.add(possession);
  }

  #find(key: TransactionKey): Possession | undefined {
    return this.#byNamespace.get(key.namespace)?.get(key.gid);
  }
}
