import {
  bodyBytes,
  type RecordHead,
  type Room,
  type SessionId,
  StoreError,
  type StoredTransaction,
  transitions,
} from '@holdfast/core';
import type { TransactionKey } from '@holdfast/protocol';
import { ByteWriter } from './bytes.ts';
import { type Durable, DurableWrite } from './durable-write.ts';
import type { Environment } from './environment.ts';
import * as keys from './keys.ts';
import { readCreatedAt } from './records.ts';

interface Waiting extends keys.RecordPlace {
  readonly dueAtMs: number;
}

/** When the next of these groups is due; undefined: nothing waits. */
export function earliestDue(env: Environment, groups: readonly string[]): number | undefined {
  const firsts = groups.flatMap((group) => waiting(env, group, 0, keys.LAST_MS, 1));
  return firsts.length === 0 ? undefined : Math.min(...firsts.map((first) => first.dueAtMs));
}

/** What waits for a group, due from one time to just before another, earliest first. */
function waiting(env: Environment, group: string, fromMs: number, beforeMs: number, limit: number): Waiting[] {
  const found = env.scan(keys.dueRange(new ByteWriter(512), group, fromMs, beforeMs), { limit });
  return Array.from(found, ({ key, value }) => ({ ...keys.readDueKey(key), createdAtMs: readCreatedAt(value) }));
}

/** Takes what is due, earliest first, as much as there is room for. Reads only what it takes, and the next one. */
export async function claim(
  store: Durable,
  owner: SessionId,
  groups: readonly string[],
  room: Room,
): Promise<StoredTransaction[]> {
  const write = new DurableWrite(store);
  const due = groups.flatMap((group) => waiting(store.env, group, 0, write.nowMs + 1, room.records));
  const claimed: StoredTransaction[] = [];
  for (const place of due.toSorted((a, b) => a.dueAtMs - b.dueAtMs)) {
    if (room.records === 0) break;
    const { head: before, state } = mustExist(store.records.change(place), place.key);
    // A record of a later version, which was here before, is left as it is.
    if (before.unreadable !== undefined) continue;
    const after = transitions.claimed(before, owner, write.nowMs);
    const record = mustExist(store.records.complete(after, state), place.key);
    if (!room.take(bodyBytes(record))) break;
    write.change(before, after, state);
    claimed.push(record);
  }
  await write.commit();
  return claimed;
}

/** Makes what waits in a namespace and is due after `laterThanMs` from now due at once. */
export async function makeDue(
  store: Durable,
  namespace: string,
  laterThanMs: number,
  limit: number,
): Promise<{ readonly count: number; readonly more: boolean }> {
  const write = new DurableWrite(store);
  const found: keys.RecordPlace[] = [];
  for (const group of groupsThatWait(store.env)) {
    if (found.length > limit) break;
    const range = keys.dueRange(new ByteWriter(512), group, write.nowMs + Math.floor(laterThanMs) + 1, keys.LAST_MS);
    for (const { key, value } of store.env.scan(range)) {
      const due = keys.readDueKey(key);
      if (due.key.namespace === namespace) found.push({ key: due.key, createdAtMs: readCreatedAt(value) });
      if (found.length > limit) break;
    }
  }
  const chosen = found.slice(0, limit);
  for (const place of chosen) releaseAndMakeDue(store, write, place);
  await write.commit();
  return { count: chosen.length, more: found.length > limit };
}

/** The application groups that something waits for: one read each. */
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

/** Releases what is owned by sessions that a condition does not hold for. */
export async function releaseOrphans(
  store: Durable,
  isLiving: (owner: SessionId) => boolean,
  limit: number,
): Promise<{ readonly released: number; readonly more: boolean }> {
  const orphans: RecordHead[] = [];
  for (const head of store.possessions.ownedBy((owner) => !isLiving(owner))) {
    orphans.push(head);
    if (orphans.length > limit) break;
  }
  if (orphans.length === 0) return { released: 0, more: false };
  const write = new DurableWrite(store);
  const chosen = orphans.slice(0, limit);
  for (const head of chosen) releaseAndMakeDue(store, write, head);
  await write.commit();
  return { released: chosen.length, more: orphans.length > limit };
}

function releaseAndMakeDue(store: Durable, write: DurableWrite, place: keys.RecordPlace): void {
  const { head, state } = mustExist(store.records.change(place), place.key);
  if (head.unreadable === undefined) write.change(head, transitions.madeDue(head, write.nowMs), state);
}

function mustExist<T>(found: T | undefined, key: TransactionKey): T {
  if (found === undefined)
    throw new StoreError('unavailable', `gid ${key.gid} is in an index but has no record: the file is damaged`);
  return found;
}
