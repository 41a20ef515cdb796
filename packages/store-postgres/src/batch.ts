import type { AppendItem, InsertItem, UpdateItem, WriteItem } from '@holdfast/core';
import { isFinal } from '@holdfast/protocol';
import { boolArray, int4Array, int8Array, textArray } from './arrays.ts';
import { type WriteParameters, writeValues } from './statements/index.ts';

/** An item and its place in the batch. */
export interface Numbered<T extends WriteItem = WriteItem> {
  readonly item: T;
  readonly at: number;
}

/** Bodies, one behind the other; positions begin at 1. */
class Bodies {
  readonly #parts: Uint8Array[] = [];
  #bytes = 0;

  /** Adds bodies; answers where they begin. */
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

/** The parameters of `WRITE` for items. */
export function valuesOf(items: readonly Numbered[], floorMs: number, wallMs: number | null): unknown[] {
  const inserts: InsertItem[] = [];
  const updates: Numbered<UpdateItem>[] = [];
  const appends: Numbered<AppendItem>[] = [];
  for (const { item, at } of items) {
    if (item.kind === 'insert') inserts.push(item);
    else if (item.kind === 'update') updates.push({ item, at });
    else appends.push({ item, at });
  }
  const bodies = new Bodies();
  return writeValues({
    floor: floorMs,
    wall: wallMs,
    ...insertParameters(inserts, bodies),
    ...updateParameters(updates, bodies),
    ...appendParameters(appends, bodies),
    bodies: bodies.joined(),
  });
}

type Part<Prefix extends string> = Pick<WriteParameters, Extract<keyof WriteParameters, `${Prefix}${string}`>>;

function insertParameters(items: readonly InsertItem[], bodies: Bodies): Part<'insert'> {
  return {
    insertNamespaces: textArray(items.map((item) => item.key.namespace)),
    insertGids: textArray(items.map((item) => item.key.gid)),
    insertWriteIds: textArray(items.map((item) => item.writeId)),
    insertStatuses: textArray(items.map((item) => item.status)),
    insertOwners: textArray(items.map(ownerOf)),
    insertDueIns: int8Array(items.map(dueInOf)),
    insertAttentions: boolArray(items.map((item) => item.attention)),
    insertPatterns: textArray(items.map((item) => item.pattern)),
    insertGroups: textArray(items.map((item) => item.group)),
    insertFroms: int4Array(items.map((item) => bodies.add(item.definition, item.state))),
    insertDefinitionLengths: int4Array(items.map((item) => item.definition.length)),
    insertStateLengths: int4Array(items.map((item) => item.state.length)),
  };
}

function updateParameters(updates: readonly Numbered<UpdateItem>[], bodies: Bodies): Part<'update'> {
  return {
    updateItems: int4Array(updates.map(({ at }) => at)),
    updateNamespaces: textArray(updates.map(({ item }) => item.key.namespace)),
    updateGids: textArray(updates.map(({ item }) => item.key.gid)),
    updateVersions: int8Array(updates.map(({ item }) => item.expectVersion)),
    updateWriteIds: textArray(updates.map(({ item }) => item.writeId)),
    updateStatuses: textArray(updates.map(({ item }) => item.status)),
    updateOwners: textArray(updates.map(({ item }) => ownerOf(item))),
    updateDueIns: int8Array(updates.map(({ item }) => dueInOf(item))),
    updateAttentions: boolArray(updates.map(({ item }) => item.attention)),
    updateStateFroms: int4Array(updates.map(({ item }) => bodies.add(item.state))),
    updateStateLengths: int4Array(updates.map(({ item }) => item.state.length)),
  };
}

function appendParameters(appends: readonly Numbered<AppendItem>[], bodies: Bodies): Part<'append' | 'entry'> {
  const entries = appends.flatMap(({ item }) => item.entries);
  const { firsts, lasts } = spansOf(appends.map(({ item }) => item.entries.length));
  return {
    appendItems: int4Array(appends.map(({ at }) => at)),
    appendNamespaces: textArray(appends.map(({ item }) => item.key.namespace)),
    appendGids: textArray(appends.map(({ item }) => item.key.gid)),
    appendStatuses: textArray(appends.map(({ item }) => item.whenStatus.join(','))),
    appendRooms: int4Array(appends.map(({ item }) => Math.min(item.maxEntries, MOST_ENTRIES))),
    appendPostpones: int8Array(appends.map(({ item }) => wholeMs(item.postponeMs ?? null))),
    appendFirsts: int4Array(firsts),
    appendLasts: int4Array(lasts),
    entryKeys: textArray(entries.map((entry) => entry.key)),
    entryFroms: int4Array(entries.map((entry) => bodies.add(entry.body))),
    entryLengths: int4Array(entries.map((entry) => entry.body.length)),
  };
}

const MOST_ENTRIES = 1_000_000_000;

/** The first and last position, from 1, of lists that stand one behind the other. */
export function spansOf(lengths: readonly number[]): { readonly firsts: number[]; readonly lasts: number[] } {
  let end = 0;
  const lasts = lengths.map((length) => (end += length));
  return { firsts: lasts.map((last, i) => last - (lengths[i] ?? 0) + 1), lasts };
}

const ownerOf = (item: InsertItem | UpdateItem): string | null => (isFinal(item.status) ? null : item.owner);

const dueInOf = (item: InsertItem | UpdateItem): number | null =>
  isFinal(item.status) || item.owner !== null ? null : wholeMs(item.dueInMs);

const wholeMs = (ms: number | null): number | null => (ms === null ? null : Math.ceil(ms));
