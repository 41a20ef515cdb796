import { randomUUID } from 'node:crypto';
import {
  type AppendItem,
  type RecordHead,
  StoreError,
  transitions,
  type WriteItem,
  type WriteOutcome,
} from '@holdfast/core';
import { type Append, planAppends } from './appends.ts';
import { changedByAll, type Setting, statementsOf } from './batch.ts';
import type { Connection } from './connection.ts';
import { idsTable } from './read.ts';
import { HEAD, headOf, idOf, string } from './rows.ts';
import { byKey, type Tables } from './schema.ts';
import type { StoreClock } from './store-clock.ts';

/** How often a batch is sent whose items could be applied by what is there now, and were not: each time, somebody else changed a record meanwhile. */
const ROUNDS = 10;

interface Numbered<Item extends WriteItem = WriteItem> {
  readonly item: Item;
  readonly at: number;
}

interface Place {
  readonly connection: Connection;
  readonly tables: Tables;
  readonly clock: StoreClock;
}

type Outcomes = (WriteOutcome | undefined)[];

/** A number that no other call has: the random 60 of a UUID's first 64 bits, for which Node keeps randomness ready. */
export const newCallId = (): string => {
  const hex = randomUUID().replaceAll('-', '');
  return String(BigInt(`0x${hex.slice(0, 12)}${hex.slice(13, 16)}`));
};

/**
 * Writes a batch: one call, whatever it holds; one before it that reads, when it has appends; and one after it when it left items unapplied, which looks why. An item
 * that is refused is refused by the record as it is then, by the same rules as in every store; one that could be applied now is sent again.
 */
export async function write(place: Place, batch: readonly WriteItem[]): Promise<WriteOutcome[]> {
  const outcomes: Outcomes = batch.map(() => undefined);
  let left = batch
    .map((item, at): Numbered => ({ item, at }))
    .sort((a, b) => (idOf(a.item.key) < idOf(b.item.key) ? -1 : 1));
  let wrote = false;
  for (let round = 1; left.length > 0; round++) {
    try {
      if (round > ROUNDS) throw new StoreError('unavailable', 'the same records are changed again and again');
      wrote = (await writeOnce(place, left, outcomes)) || wrote;
    } catch (thrown) {
      // Some items are applied already, and durable: whoever sends all again hears so.
      if (!wrote || !(thrown instanceof StoreError)) throw thrown;
      throw new StoreError('outcome_unknown', `a part of the batch was written: ${thrown.message}`, thrown);
    }
    left = left.filter(({ at }) => outcomes[at] === undefined);
  }
  return outcomes as WriteOutcome[];
}

/** Answers whether anything was written. */
async function writeOnce(place: Place, items: readonly Numbered[], outcomes: Outcomes): Promise<boolean> {
  const { connection, tables, clock } = place;
  const batch = { settings: [] as Numbered<Setting>[], appends: [] as Append[] };
  const placeOfAppend = new Map<string, number>();
  const appends: Numbered<AppendItem>[] = [];
  for (const { item, at } of items)
    if (item.kind === 'append') appends.push({ item, at });
    else batch.settings.push({ item, at });
  let readOnly = false;
  if (appends.length > 0) {
    const plans = await planAppends(
      connection,
      tables,
      appends.map(({ item }) => item),
    );
    for (const [i, plan] of plans.entries()) {
      const at = appends[i]?.at ?? 0;
      if ('kind' in plan) {
        outcomes[at] = plan;
        readOnly ||= plan.kind === 'applied';
      } else {
        batch.appends.push(plan);
        placeOfAppend.set(idOf(plan.item.key), at);
      }
    }
  }
  const wrote = batch.settings.length + batch.appends.length > 0;
  if (wrote) {
    const settings = batch.settings.map(({ item }) => item);
    const { statements, ...where } = statementsOf(
      tables,
      { settings, appends: batch.appends },
      clock.set(),
      newCallId(),
    );
    const answers = await connection.call({ statements, changes: true });
    clock.seen(Number(answers[where.now]?.rows[0]?.['now']));
    if (answers[where.applied]?.changed === changedByAll(settings))
      for (const { item, at } of batch.settings)
        outcomes[at] = transitions.applied(item.kind === 'update' ? item.expectVersion + 1 : 1);
    const appended = new Set((answers[where.appended]?.rows ?? []).map((row) => string(row['id'])));
    for (const { item, head, existing } of batch.appends) {
      const at = placeOfAppend.get(idOf(item.key)) ?? 0;
      if (appended.has(idOf(item.key))) outcomes[at] = transitions.applied(head.version + 1, existing);
    }
    try {
      readOnly = (await examine(place, batch.settings, outcomes)) || readOnly;
    } catch (thrown) {
      throw new StoreError('outcome_unknown', `a batch could not be looked at: ${String(thrown)}`, thrown);
    }
  }
  if (readOnly) await sync(place);
  return wrote;
}

/** Finds out what became of inserts and updates of which not all were applied. Answers whether some turned out to be applied. */
async function examine(
  { connection, tables }: Place,
  items: readonly Numbered[],
  outcomes: Outcomes,
): Promise<boolean> {
  const open = items.filter(({ at }) => outcomes[at] === undefined);
  if (open.length === 0) return false;
  const ids = open.map(({ item }) => idOf(item.key));
  const statement = `select ${HEAD} from ${idsTable(ids)} ${byKey(tables, 'k')}`;
  const [answer] = await connection.call({ statements: [statement], changes: false });
  const heads = new Map((answer?.rows ?? []).map((row) => [string(row['id']), headOf(row)]));
  let someApplied = false;
  for (const { item, at } of open) {
    outcomes[at] = outcomeOf(item, heads.get(idOf(item.key)));
    someApplied ||= outcomes[at]?.kind === 'applied';
  }
  return someApplied;
}

/** What became of an item by the record as it is; undefined: it would be applied now. */
function outcomeOf(item: WriteItem, head: RecordHead | undefined): WriteOutcome | undefined {
  if (item.kind === 'update') return transitions.updateRefused(item, head);
  return item.kind === 'insert' && head !== undefined ? transitions.insertOverExisting(item, head) : undefined;
}

/**
 * Makes durable what was read. InnoDB shows a commit to others before it is on disk; whoever answers by what was read has to wait until it is, and the next commit of
 * one's own takes everything before it along.
 */
async function sync({ connection, tables }: Place): Promise<void> {
  const statement = `insert into ${tables.marks} (id, n) values (1, 1) on duplicate key update n = ${tables.marks}.n + 1`;
  await connection.call({ statements: [statement], changes: true });
}
