import type { AppendItem, InsertItem, UpdateItem, WriteItem, WriteOutcome } from '@holdfast/core/store';
import { type RecordHead, transitions } from '@holdfast/core/store-kit';
import type { Durable, DurableWrite } from './write.ts';

/** The number of an entry, and the number of entries of a record, take two bytes in the file. */
const MOST_ENTRIES = 65_535;

const MISSING: WriteOutcome = { kind: 'missing' };

/** Adds one item to a write if its condition holds. */
export function applyItem(store: Durable, write: DurableWrite, item: WriteItem): WriteOutcome {
  switch (item.kind) {
    case 'insert':
      return insert(store, write, item);
    case 'update':
      return update(store, write, item);
    case 'append':
      return append(store, write, item);
  }
}

function insert(store: Durable, write: DurableWrite, item: InsertItem): WriteOutcome {
  const place = store.records.find(item.key);
  const existing = place && store.records.head(place);
  if (existing !== undefined) return transitions.insertOverExisting(item, existing);
  const head = transitions.inserted(item, write.nowMs);
  write.create(head, item.state, item.definition);
  return transitions.applied(head.version);
}

function update(store: Durable, write: DurableWrite, item: UpdateItem): WriteOutcome {
  const before = store.ownedRecords.head(item.key) ?? storedHead(store, item);
  const refused = transitions.updateRefused(item, before);
  if (refused !== undefined || before === undefined) return refused ?? MISSING;
  const head = transitions.updated(item, before, write.nowMs);
  write.change(before, head, item.state);
  return transitions.applied(head.version);
}

function storedHead({ records }: Durable, item: WriteItem): RecordHead | undefined {
  const place = records.find(item.key);
  return place && records.head(place);
}

function append({ records }: Durable, write: DurableWrite, item: AppendItem): WriteOutcome {
  const place = records.find(item.key);
  const stored = place && records.change(place);
  if (stored === undefined) return MISSING;
  const { head: before, state } = stored;
  const there = new Map(
    before.entryCount === 0 ? [] : item.entries.map((entry) => [entry.key, records.entry(before, entry.key)] as const),
  );
  const existing = item.entries.flatMap((entry) => there.get(entry.key) ?? []);
  const bounded = { ...item, maxEntries: Math.min(item.maxEntries, MOST_ENTRIES) };
  const refused = transitions.appendRefused(bounded, before, existing, () => records.entryBytes(before));
  if (refused !== undefined) return refused;
  const added = item.entries.filter((entry) => there.get(entry.key) === undefined);
  records.addedEntries(before, added);
  added.forEach((entry, i) => write.addEntry(before, entry, before.entryCount + i));
  const head = transitions.appended(item, before, added.length, write.nowMs);
  write.change(before, head, state);
  return transitions.applied(head.version, existing);
}
