import { randomUUID } from 'node:crypto';
import {
  type AppendItem,
  type InsertItem,
  StoreError,
  type UpdateItem,
  type WriteItem,
  type WriteOutcome,
} from '@holdfast/core/store';
import { type CountedState, type RecordHead, RejectedRecords, transitions } from '@holdfast/core/store-kit';
import { type Append, planAppends } from './appends.ts';
import { batchResultOf, callOf, type Setting } from './batch.ts';
import type { Connection } from './connection.ts';
import { mayBeOneRecord, wasLocked } from './errors.ts';
import { LockedRecords, type Outcomes } from './locked-records.ts';
import { idsTable } from './read.ts';
import { HEAD, headOf, idOf, string } from './records.ts';
import { byKey, type Tables } from './schema.ts';
import type { CountedStates } from './counted-states.ts';
import type { StoreClock } from './store-clock.ts';

/**
 * Maximum number of attempts to send a batch whose items could be applied to the current records
 * but were not, because each time another writer changed a record in between.
 */
const ROUNDS = 10;
/**
 * Number of batches that read their records first after one was rejected: rejections come in
 * bursts, for example from clients that repeat requests.
 */
const WARY_BATCHES = 16;

/** An item of a batch. */
interface Numbered<Item extends WriteItem = WriteItem> {
  readonly id: string;
  readonly item: Item;
  readonly at: number;
}

interface Place {
  readonly connection: Connection;
  readonly tables: Tables;
  readonly clock: StoreClock;
  readonly countedStates: CountedStates;
}

/** The progress of a batch. */
interface Progress {
  readonly outcomes: Outcomes;
  /** Status and attention flag of records that were read for this batch. */
  readonly seen: Map<string, CountedState>;
  /** Whether a part of the batch is durable. */
  wrote: boolean;
  /** Whether an outcome is based on a read alone. */
  readOnly: boolean;
}

/**
 * A number that no other call has: 60 random bits of the first 64 bits of a UUID, for which Node
 * keeps a pool of randomness.
 */
export const newCallId = (): string => {
  const hex = randomUUID().replaceAll('-', '');
  return String(BigInt(`0x${hex.slice(0, 12)}${hex.slice(13, 16)}`));
};

/**
 * Writes batches with one call, whatever a batch contains, and a preceding read if it has appends.
 * If an insert or update cannot be applied, none is. The records are then read, such items are
 * rejected according to the current record, by the same rules as in every store, and the others are
 * sent again.
 */
export class Writer {
  readonly #place: Place;
  readonly #locked: LockedRecords;
  readonly #rejected = new RejectedRecords<Numbered>(({ id }) => id);
  #wary = 0;

  constructor(place: Place) {
    this.#place = place;
    this.#locked = new LockedRecords(place.connection, place.tables);
  }

  async write(batch: readonly WriteItem[]): Promise<WriteOutcome[]> {
    const progress: Progress = { outcomes: batch.map(() => undefined), seen: new Map(), wrote: false, readOnly: false };
    const items = batch
      .map((item, at): Numbered => ({ id: idOf(item.key), item, at }))
      .sort((a, b) => (a.id < b.id ? -1 : 1));
    try {
      if (this.#wary > 0) {
        this.#wary--;
        await this.#examine(items.filter(isSetting), progress);
      }
      await this.#locked.leaveOutKnown(items, progress.outcomes);
      await this.#rejected.write(items, {
        outcomes: progress.outcomes,
        writeAll: (some) => this.#writeAll(some, progress),
        isOfOneRecord,
        // Below, for every error.
        inDoubt: (thrown) => thrown,
      });
      if (progress.readOnly) await this.#sync();
    } catch (thrown) {
      // Some items are already durable; a caller that sends the batch again gets their outcomes.
      if (!progress.wrote || !(thrown instanceof StoreError)) throw thrown;
      throw new StoreError('outcome_unknown', `a part of the batch was written: ${thrown.message}`, thrown);
    }
    return progress.outcomes as WriteOutcome[];
  }

  async #writeAll(items: readonly Numbered[], progress: Progress): Promise<void> {
    const isOpen = ({ at }: Numbered): boolean => progress.outcomes[at] === undefined;
    for (let round = 1, left = items.filter(isOpen); left.length > 0; round++, left = left.filter(isOpen)) {
      if (round > ROUNDS) throw new StoreError('unavailable', 'the same records are changed again and again');
      try {
        await this.#writeOnce(left.filter(isSetting), left.filter(isAppend), progress);
      } catch (thrown) {
        const isLocked = thrown instanceof StoreError && wasLocked(thrown.cause);
        if (!isLocked || !(await this.#locked.leaveOut(left, progress.outcomes))) throw thrown;
      }
    }
  }

  async #writeOnce(
    items: readonly Numbered<InsertItem | UpdateItem>[],
    appendItems: readonly Numbered<AppendItem>[],
    progress: Progress,
  ): Promise<void> {
    const { connection, tables, clock, countedStates } = this.#place;
    const { outcomes } = progress;
    const appends = await this.#plan(appendItems, progress);
    const settings = items.map(({ id, item }): Setting =>
      item.kind === 'insert' ? { id, item } : { id, item, before: progress.seen.get(id) ?? countedStates.of(id) },
    );
    if (settings.length + appends.length === 0) return;
    const batch = { settings, appends: appends.map(({ append }) => append) };
    const results = await connection.call(callOf(tables, batch, clock.set(), newCallId()));
    const { applied, appended, nowMs } = batchResultOf(batch, results);
    clock.seen(nowMs);
    progress.wrote ||= applied;
    for (const { id, at, append } of appends)
      if (appended.has(id)) outcomes[at] = transitions.applied(append.head.version + 1, append.existing);
    if (!applied) {
      this.#wary = WARY_BATCHES;
      return this.#examine(items, progress);
    }
    for (const { id, item, at } of items) {
      countedStates.note(id, item);
      outcomes[at] = transitions.applied(item.kind === 'update' ? item.expectVersion + 1 : 1);
    }
  }

  /** Determines what appends have to add; appends with nothing to add get their outcome. */
  async #plan(items: readonly Numbered<AppendItem>[], progress: Progress) {
    if (items.length === 0) return [];
    const { connection, tables } = this.#place;
    const plans = await planAppends(
      connection,
      tables,
      items.map(({ item }) => item),
    );
    const planned: { readonly id: string; readonly at: number; readonly append: Append }[] = [];
    for (const [i, { id, at }] of items.entries()) {
      const plan = plans[i];
      if (plan === undefined) continue;
      if ('kind' in plan) {
        progress.outcomes[at] = plan;
        progress.readOnly ||= plan.kind === 'applied';
      } else planned.push({ id, at, append: plan });
    }
    return planned;
  }

  /** Settles inserts and updates that cannot be applied. */
  async #examine(items: readonly Numbered<InsertItem | UpdateItem>[], progress: Progress): Promise<void> {
    if (items.length === 0) return;
    const { connection, tables } = this.#place;
    const statement = `select ${HEAD} from ${idsTable(items.map(({ id }) => id))} ${byKey(tables, 'k')}`;
    const [result] = await connection.call({ statements: [statement], changes: false });
    const heads = new Map((result?.rows ?? []).map((row) => [string(row['id']), headOf(row)]));
    for (const { id, item, at } of items) {
      const head = heads.get(id);
      if (head !== undefined) progress.seen.set(id, head);
      const outcome = outcomeOf(item, head);
      progress.outcomes[at] = outcome;
      progress.readOnly ||= outcome?.kind === 'applied';
    }
  }

  /**
   * Makes durable what was read. InnoDB shows a commit to other connections before it is on disk.
   * An outcome based on a read must wait until it is, and a commit of this connection makes all
   * earlier commits durable as well.
   */
  async #sync(): Promise<void> {
    const { connection, tables } = this.#place;
    const statement = `insert into ${tables.marks} (id, n) values (1, 1) on duplicate key update n = ${tables.marks}.n + 1`;
    await connection.call({ statements: [statement], changes: true });
  }
}

const isOfOneRecord = (thrown: unknown): thrown is StoreError =>
  thrown instanceof StoreError && mayBeOneRecord(thrown.cause);

const isAppend = (numbered: Numbered): numbered is Numbered<AppendItem> => numbered.item.kind === 'append';
const isSetting = (numbered: Numbered): numbered is Numbered<InsertItem | UpdateItem> => !isAppend(numbered);

/**
 * The outcome of an item according to the current record; undefined if the item could be applied
 * now.
 */
function outcomeOf(item: InsertItem | UpdateItem, head: RecordHead | undefined): WriteOutcome | undefined {
  if (item.kind === 'update') return transitions.updateRefused(item, head);
  return head === undefined ? undefined : transitions.insertOverExisting(item, head);
}
