import type { AppendItem, InsertItem, UpdateItem, WriteItem } from '@holdfast/core/store';
import { isFinal } from '@holdfast/protocol';
import { boolArray, int4Array, int8Array, textArray } from './arrays.ts';
import type { Statement } from './connection.ts';
import { type AppendParameters, WRITE, WRITE_WITH_APPENDS, writeValues } from './statements/index.ts';

/** An item and its index in the batch. */
export interface Numbered<T extends WriteItem = WriteItem> {
  readonly item: T;
  readonly at: number;
}

/** A batch in the form in which it is sent. */
export interface Batch {
  readonly statement: Statement;
  readonly values: unknown[];
}

/** Bodies, concatenated; positions start at 1. */
class Bodies {
  readonly #parts: Uint8Array[] = [];
  #bytes = 0;

  /** Adds bodies; returns the position of the first. */
  add(...bodies: readonly Uint8Array[]): number {
    const from = this.#bytes + 1;
    for (const body of bodies) {
      this.#parts.push(body);
      this.#bytes += body.length;
    }
    return from;
  }

  joined(): Buffer {
    return Buffer.concat(this.#parts, this.#bytes);
  }
}

/** Values that many items of a batch share. */
interface SharedSet {
  readonly namespace: string;
  readonly status: string;
  readonly owner: string | null;
  readonly attention: boolean;
  readonly pattern: string;
  readonly group: string;
}

/**
 * Number of sets searched for an equal one; a batch with more different sets contains some of them
 * twice.
 */
const LOOKED_THROUGH = 8;

/** Each set of shared values once; positions start at 1. */
class SharedSets {
  readonly all: SharedSet[] = [];

  /** The position of the set of values that an item sets. */
  positionOf(item: InsertItem | UpdateItem): number {
    const [pattern, group] = item.kind === 'insert' ? [item.pattern, item.group] : ['', ''];
    const { status, attention } = item;
    const { namespace } = item.key;
    const owner = isFinal(status) ? null : item.owner;
    const looked = Math.min(this.all.length, LOOKED_THROUGH);
    for (let at = 0; at < looked; at++) {
      const set = this.all[at];
      if (
        set?.status === status &&
        set.owner === owner &&
        set.pattern === pattern &&
        set.namespace === namespace &&
        set.group === group &&
        set.attention === attention
      )
        return at + 1;
    }
    return this.all.push({ namespace, status, owner, attention, pattern, group });
  }
}

/** Returns the statement for items, with its parameters. */
export function batchOf(items: readonly Numbered[], floorMs: number, wallMs: number | null): Batch {
  const inserts: InsertItem[] = [];
  const updates: Numbered<UpdateItem>[] = [];
  const appends: Numbered<AppendItem>[] = [];
  for (const { item, at } of items) {
    if (item.kind === 'insert') inserts.push(item);
    else if (item.kind === 'update') updates.push({ item, at });
    else appends.push({ item, at });
  }
  const bodies = new Bodies();
  const sets = new SharedSets();
  const parameters = {
    floor: floorMs,
    wall: wallMs,
    ...insertParameters(inserts, sets, bodies),
    ...updateParameters(updates, sets, bodies),
  };
  const more = appends.length === 0 ? undefined : appendParameters(appends, bodies);
  return {
    statement: more === undefined ? WRITE : WRITE_WITH_APPENDS,
    values: writeValues({ ...parameters, ...setParameters(sets.all), bodies: bodies.joined() }, more),
  };
}

const setParameters = (sets: readonly SharedSet[]) => ({
  namespaces: textArray(sets.map((set) => set.namespace)),
  statuses: textArray(sets.map((set) => set.status)),
  owners: textArray(sets.map((set) => set.owner)),
  attentions: boolArray(sets.map((set) => set.attention)),
  patterns: textArray(sets.map((set) => set.pattern)),
  groups: textArray(sets.map((set) => set.group)),
});

const insertParameters = (items: readonly InsertItem[], sets: SharedSets, bodies: Bodies) => ({
  insertSets: int4Array(items.map((item) => sets.positionOf(item))),
  insertGids: textArray(items.map((item) => item.key.gid)),
  insertWriteIds: textArray(items.map((item) => item.writeId)),
  insertDueIns: int8Array(items.map(dueInOf)),
  insertFroms: int4Array(items.map((item) => bodies.add(item.definition, item.state))),
  insertDefinitionLengths: int4Array(items.map((item) => item.definition.length)),
  insertStateLengths: int4Array(items.map((item) => item.state.length)),
});

const updateParameters = (updates: readonly Numbered<UpdateItem>[], sets: SharedSets, bodies: Bodies) => ({
  updateItems: int4Array(updates.map(({ at }) => at)),
  updateSets: int4Array(updates.map(({ item }) => sets.positionOf(item))),
  updateGids: textArray(updates.map(({ item }) => item.key.gid)),
  updateVersions: int8Array(updates.map(({ item }) => item.expectVersion)),
  updateWriteIds: textArray(updates.map(({ item }) => item.writeId)),
  updateDueIns: int8Array(updates.map(({ item }) => dueInOf(item))),
  updateFroms: int4Array(updates.map(({ item }) => bodies.add(item.state))),
  updateStateLengths: int4Array(updates.map(({ item }) => item.state.length)),
});

function appendParameters(appends: readonly Numbered<AppendItem>[], bodies: Bodies): AppendParameters {
  const entries = appends.flatMap(({ item }) => item.entries);
  const { firsts, lasts } = spansOf(appends.map(({ item }) => item.entries.length));
  return {
    appendItems: int4Array(appends.map(({ at }) => at)),
    appendNamespaces: textArray(appends.map(({ item }) => item.key.namespace)),
    appendGids: textArray(appends.map(({ item }) => item.key.gid)),
    appendStatuses: textArray(appends.map(({ item }) => item.whenStatus.join(','))),
    appendPatterns: textArray(appends.map(({ item }) => item.whenPattern ?? null)),
    appendRooms: int4Array(appends.map(({ item }) => Math.min(item.maxEntries, MOST_ENTRIES))),
    appendByteRooms: int8Array(appends.map(({ item }) => item.maxBytes ?? null)),
    appendPostpones: int8Array(appends.map(({ item }) => wholeMs(item.postponeMs ?? null))),
    appendFirsts: int4Array(firsts),
    appendLasts: int4Array(lasts),
    entryKeys: textArray(entries.map((entry) => entry.key)),
    entryFroms: int4Array(entries.map((entry) => bodies.add(entry.body))),
    entryLengths: int4Array(entries.map((entry) => entry.body.length)),
  };
}

const MOST_ENTRIES = 1_000_000_000;

/** The first and last position, from 1, of each list in a concatenation of lists. */
export function spansOf(lengths: readonly number[]): { readonly firsts: number[]; readonly lasts: number[] } {
  let end = 0;
  const lasts = lengths.map((length) => (end += length));
  return { firsts: lasts.map((last, i) => last - (lengths[i] ?? 0) + 1), lasts };
}

const dueInOf = (item: InsertItem | UpdateItem): number | null =>
  isFinal(item.status) || item.owner !== null ? null : wholeMs(item.dueInMs);

const wholeMs = (ms: number | null): number | null => (ms === null ? null : Math.ceil(ms));
