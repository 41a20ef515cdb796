import type { SessionId, StoredTransaction } from '@holdfast/core/store';
import { bodyBytes, type Room, transitions } from '@holdfast/core/store-kit';
import { ByteWriter } from './bytes.ts';
import { type Durable, DurableWrite } from './write.ts';
import type { Environment } from './environment.ts';
import * as keys from './keys.ts';
import { readCreatedAt } from './read.ts';

interface Waiting extends keys.RecordPlace {
  readonly group: string;
  readonly dueAtMs: number;
}

/** When the next transaction of these groups is due; undefined if none waits. */
export function earliestDue(env: Environment, groups: readonly string[]): number | undefined {
  const firsts = groups.flatMap((group) => waiting(env, group, 0, keys.LAST_MS, 1));
  return firsts.length === 0 ? undefined : Math.min(...firsts.map((first) => first.dueAtMs));
}

/**
 * The waiting transactions of a group, due from `fromMs` to just before `beforeMs`, earliest first.
 */
function waiting(env: Environment, group: string, fromMs: number, beforeMs: number, limit: number): Waiting[] {
  const found = env.scan(keys.dueRange(new ByteWriter(512), group, fromMs, beforeMs), { limit });
  return Array.from(found, ({ key, value }) => ({ ...keys.readDueKey(key), createdAtMs: createdAtOr(value) }));
}

/** The time of creation; 0, where no record is, for a damaged value of the index. */
function createdAtOr(value: Uint8Array): number {
  try {
    return readCreatedAt(value);
  } catch {
    return 0;
  }
}

/** Most records that a claim skips because they cannot be read. */
const MOST_SKIPPED = 10_000;

/**
 * Claims due transactions, earliest first, as many as there is room for. Reads only the ones it
 * claims and the next one. A record that is unreadable or missing does not prevent others from
 * being claimed.
 */
export async function claim(
  store: Durable,
  owner: SessionId,
  groups: readonly string[],
  room: Room,
): Promise<StoredTransaction[]> {
  const write = new DurableWrite(store);
  const claimed: StoredTransaction[] = [];
  for (const place of dueInOrder(store.env, groups, write.nowMs, room.records)) {
    if (room.records === 0) break;
    const change = readableChange(store, place);
    if (change === undefined) continue;
    const { head: before, state } = change;
    if (before.dueAtMs !== place.dueAtMs) {
      // The entry of a damaged record that was replaced, whose due time was unknown.
      write.remove(keys.dueKey(store.changes.writer, place.group, place.dueAtMs, place.key));
      continue;
    }
    const after = transitions.claimed(before, owner, write.nowMs);
    const record = store.records.complete(after, state);
    if (record === undefined || record.unreadable !== undefined) continue;
    if (!room.take(bodyBytes(record))) break;
    write.change(before, after, state);
    claimed.push(record);
  }
  await write.commit();
  return claimed;
}

/**
 * Due transactions, earliest first, read in parts. The first part suffices unless some records
 * cannot be read.
 */
function* dueInOrder(env: Environment, groups: readonly string[], nowMs: number, wanted: number): Generator<Waiting> {
  let done = 0;
  for (let most = wanted; done <= MOST_SKIPPED; most *= 4) {
    const found = groups.flatMap((group) => waiting(env, group, 0, nowMs + 1, most));
    const due = found.toSorted((a, b) => a.dueAtMs - b.dueAtMs);
    yield* due.slice(done, most);
    if (due.length < most) return;
    done = most;
  }
}

/**
 * Head and state of a record that this version can read; undefined for a record of a later version,
 * a damaged one, or none.
 */
function readableChange(store: Durable, place: keys.RecordPlace): ReturnType<Durable['records']['change']> {
  const change = store.records.change(place);
  return change?.head.unreadable === undefined ? change : undefined;
}

/** Makes transactions of a namespace that are due after `laterThanMs` from now due at once. */
export async function makeDue(
  store: Durable,
  namespace: string,
  laterThanMs: number,
  limit: number,
): Promise<{ readonly count: number; readonly more: boolean }> {
  const write = new DurableWrite(store);
  let count = 0;
  let passed = 0;
  for (const group of groupsThatWait(store.env)) {
    const range = keys.dueRange(new ByteWriter(512), group, write.nowMs + Math.floor(laterThanMs) + 1, keys.LAST_MS);
    for (const { key, value } of store.env.scan(range)) {
      const due = keys.readDueKey(key);
      if (due.key.namespace !== namespace) continue;
      const change = readableChange(store, { key: due.key, createdAtMs: createdAtOr(value) });
      if (change !== undefined && count === limit) {
        await write.commit();
        return { count, more: true };
      }
      if (change === undefined) passed++;
      else count++;
      if (change !== undefined) write.change(change.head, transitions.madeDue(change.head, write.nowMs), change.state);
      if (passed > MOST_SKIPPED) break;
    }
  }
  await write.commit();
  return { count, more: false };
}

/** The application groups with waiting transactions: one read for each. */
function* groupsThatWait(env: Environment): Generator<string> {
  let range = keys.allDue(new ByteWriter(512));
  for (;;) {
    const [first] = env.keys(range, { limit: 1 });
    if (first === undefined) return;
    const { group } = keys.readDueKey(first);
    yield group;
    range = keys.dueAfterGroup(new ByteWriter(512), group);
  }
}

/** Releases the records owned by sessions that are not alive. */
export async function releaseOrphans(
  store: Durable,
  isLiving: (owner: SessionId) => boolean,
  limit: number,
): Promise<{ readonly released: number; readonly more: boolean }> {
  const orphans: NonNullable<ReturnType<Durable['records']['change']>>[] = [];
  for (const head of store.ownedRecords.ownedBy((owner) => !isLiving(owner))) {
    const change = readableChange(store, head);
    if (change !== undefined) orphans.push(change);
    if (orphans.length > limit) break;
  }
  if (orphans.length === 0) return { released: 0, more: false };
  const write = new DurableWrite(store);
  const chosen = orphans.slice(0, limit);
  for (const { head, state } of chosen) write.change(head, transitions.madeDue(head, write.nowMs), state);
  await write.commit();
  return { released: chosen.length, more: orphans.length > limit };
}
