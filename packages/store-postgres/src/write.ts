import { textOfThrown } from '@holdfast/protocol';
import { type Entry, StoreError, type WriteItem, type WriteOutcome } from '@holdfast/core/store';
import { RejectedRecords, transitions } from '@holdfast/core/store-kit';
import { int4Array, textArray } from './arrays.ts';
import { batchOf, type Numbered, spansOf } from './batch.ts';
import type { Connection, Row } from './connection.ts';
import { mayBeOneRecord, wasLocked } from './errors.ts';
import { LockedRecords, type Outcomes } from './locked-records.ts';
import { headOf, idOf, type Placed, sorted } from './records.ts';
import { EXAMINE } from './statements/index.ts';
import type { StoreClock } from './store-clock.ts';

/**
 * Maximum number of attempts to send a batch whose items could be applied to the current records
 * but were not, because each time another writer changed a record in between.
 */
const ROUNDS = 10;

/** One of the two rows in the result of a batch: for its inserts, or for its changes. */
interface ResultRow {
  readonly now: number;
  /** Keys of the applied inserts; null if all were applied. */
  readonly namespaces: readonly string[] | null;
  readonly gids: readonly string[] | null;
  /** The applied updates; null if all were applied. */
  readonly items: readonly number[] | null;
  /** The applied appends; absent if the batch has none. */
  readonly appended?: readonly number[] | null;
  readonly versions?: readonly string[] | null;
  readonly added?: readonly number[] | null;
  readonly entry_counts?: readonly number[] | null;
}

/**
 * The current state of an item's record: its head, and those of the item's entries that it has, in
 * order.
 */
interface Examined {
  /** Undefined if there is no record. */
  readonly row: Row | undefined;
  readonly entries: readonly Placed[];
}

/**
 * Writes batches: one statement, and a second one if items were not applied or entries of an append
 * existed already, which determines why. An item is rejected according to the current record, by
 * the same rules as in every store; an item that could be applied now is sent again.
 *
 * A record that stays locked, or whose change the server rejects, is left out of its batch: its
 * item is `blocked`.
 */
export class Writer {
  readonly #connection: Connection;
  readonly #clock: StoreClock;
  readonly #locked: LockedRecords;
  readonly #rejected = new RejectedRecords<Numbered>(({ item }) => idOf(item.key));

  constructor(connection: Connection, clock: StoreClock) {
    this.#connection = connection;
    this.#clock = clock;
    this.#locked = new LockedRecords(connection);
  }

  async write(batch: readonly WriteItem[]): Promise<WriteOutcome[]> {
    const outcomes: Outcomes = batch.map(() => undefined);
    const items = batch.map((item, at): Numbered => ({ item, at }));
    await this.#locked.leaveOutKnown(items, outcomes);
    await this.#rejected.write(items.filter(isOpenIn(outcomes)), {
      outcomes,
      writeAll: (some) => this.#writeAll(some, outcomes),
      isOfOneRecord,
      inDoubt: (thrown) => inDoubt(textOfThrown(thrown), thrown),
    });
    return outcomes as WriteOutcome[];
  }

  async #writeAll(items: readonly Numbered[], outcomes: Outcomes): Promise<void> {
    let written = false;
    try {
      for (let round = 1, left = items; left.length > 0; round++, left = left.filter(isOpenIn(outcomes))) {
        if (round > ROUNDS) throw new StoreError('unavailable', 'the same records are changed again and again');
        try {
          await writeOnce(this.#connection, this.#clock, left, outcomes);
          written = true;
        } catch (thrown) {
          const isLocked = thrown instanceof StoreError && wasLocked(thrown.cause);
          if (!isLocked || !(await this.#locked.leaveOut(left, outcomes))) throw thrown;
        }
      }
    } catch (thrown) {
      throw written && thrown instanceof StoreError ? inDoubt(thrown.message, thrown) : thrown;
    }
  }
}

const isOfOneRecord = (thrown: unknown): thrown is StoreError =>
  thrown instanceof StoreError && mayBeOneRecord(thrown.cause);

const isOpenIn =
  (outcomes: Outcomes) =>
  ({ at }: Numbered): boolean =>
    outcomes[at] === undefined;

/** Some items are already durable; a caller that sends the batch again gets their outcomes. */
const inDoubt = (why: string, cause?: unknown): StoreError =>
  new StoreError('outcome_unknown', `a part of the batch was written: ${why}`, cause);

async function writeOnce(
  connection: Connection,
  clock: StoreClock,
  items: readonly Numbered[],
  outcomes: Outcomes,
): Promise<void> {
  const { statement, values } = batchOf(items, ...clock.parameters());
  const [inserted, changed] = (await connection.query(statement, values)) as unknown as readonly ResultRow[];
  if (inserted === undefined || changed === undefined)
    throw new StoreError('outcome_unknown', 'PostgreSQL returned no result for a batch');
  clock.seen(changed.now);
  settleInserts(items, inserted, outcomes);
  settleUpdates(items, changed, outcomes);
  const partly = settleAppends(items, changed, outcomes);
  const unapplied = items.filter(({ at }) => outcomes[at] === undefined && !partly.has(at));
  if (unapplied.length + partly.size === 0) return;
  const open = items.filter(({ at }) => outcomes[at] === undefined);
  try {
    const found = await examine(
      connection,
      open.map(({ item }) => item),
    );
    for (const [i, { item, at }] of open.entries()) {
      const examined = found[i] ?? { row: undefined, entries: [] };
      const before = partly.get(at);
      outcomes[at] =
        before === undefined
          ? refusal(item, examined)
          : transitions.applied(before.version, existingOf(item, examined, before.count));
    }
  } catch (thrown) {
    throw inDoubt(textOfThrown(thrown), thrown);
  }
}

interface Before {
  readonly version: number;
  /** Entries that were there before the append. */
  readonly count: number;
}

function settleInserts(items: readonly Numbered[], { namespaces, gids }: ResultRow, outcomes: Outcomes): void {
  const applied = gids && new Set(gids.map((gid, i) => idOf({ namespace: namespaces?.[i] ?? '', gid })));
  for (const { item, at } of items)
    if (item.kind === 'insert' && applied?.has(idOf(item.key)) !== false) outcomes[at] = transitions.applied(1);
}

function settleUpdates(items: readonly Numbered[], { items: named }: ResultRow, outcomes: Outcomes): void {
  const applied = named && new Set(named);
  for (const { item, at } of items)
    if (item.kind === 'update' && applied?.has(at) !== false)
      outcomes[at] = transitions.applied(item.expectVersion + 1);
}

/**
 * Settles the appends that were applied in full. Returns those that were applied without some of
 * their entries.
 */
function settleAppends(items: readonly Numbered[], row: ResultRow, outcomes: Outcomes): Map<number, Before> {
  const partly = new Map<number, Before>();
  const places = new Map((row.appended ?? []).map((at, place) => [at, place]));
  for (const { item, at } of places.size === 0 ? [] : items) {
    const place = places.get(at);
    if (item.kind !== 'append' || place === undefined) continue;
    const [version, added] = [Number(row.versions?.[place]), row.added?.[place] ?? 0];
    if (added < item.entries.length) partly.set(at, { version, count: (row.entry_counts?.[place] ?? 0) - added });
    else outcomes[at] = transitions.applied(version);
  }
  return partly;
}

/**
 * The current heads of the items' records, and the existing ones among the items' entries, in the
 * order of the items.
 */
async function examine(connection: Connection, items: readonly WriteItem[]): Promise<Examined[]> {
  const keys = items.map((item) => (item.kind === 'append' ? item.entries.map((entry) => entry.key) : []));
  const { firsts, lasts } = spansOf(keys.map((list) => list.length));
  const rows = await connection.query(EXAMINE, [
    textArray(items.map((item) => item.key.namespace)),
    textArray(items.map((item) => item.key.gid)),
    int4Array(firsts),
    int4Array(lasts),
    textArray(keys.flat()),
  ]);
  const { records, entries } = sorted(rows);
  return items.map(({ key }) => ({ row: records.get(idOf(key)), entries: entries.get(idOf(key)) ?? [] }));
}

/** Why an item changes nothing; undefined if it could be applied now. */
function refusal(item: WriteItem, examined: Examined): WriteOutcome | undefined {
  const { row } = examined;
  const head = row === undefined ? undefined : headOf(row);
  switch (item.kind) {
    case 'insert':
      return head === undefined ? undefined : transitions.insertOverExisting(item, head);
    case 'update':
      return transitions.updateRefused(item, head);
    case 'append':
      return transitions.appendRefused(item, head, existingOf(item, examined, Infinity), () =>
        Number(row?.['entry_bytes']),
      );
  }
}

/**
 * The entries of an append that are among the first `count` of its record, in the order of the
 * item.
 */
function existingOf(item: WriteItem, { entries }: Examined, count: number): Entry[] {
  if (item.kind !== 'append') return [];
  const there = new Map<string, Entry>();
  for (const { key, body, position } of entries) if (position <= count) there.set(key, { key, body });
  return item.entries.flatMap(({ key }) => there.get(key) ?? []);
}
