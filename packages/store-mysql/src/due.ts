import type {
  ClaimRequest,
  ClaimResult,
  MakeDueRequest,
  MakeDueResult,
  PurgeRequest,
  StoredTransaction,
} from '@holdfast/core/store';
import { StoreError } from '@holdfast/core/store';
import { Room } from '@holdfast/core/store-kit';
import { claim, findIds, findSized, type Found, foundOf, makeDue, nextPlace, remove } from './moves.ts';
import type { Parts } from './parts.ts';
import { read } from './read.ts';
import { keyOf, idOf, PLACES, string } from './records.ts';
import { searchAt, searchSizedByIds } from './search.ts';
import { number, text } from './sql.ts';
import { isUnreadable } from './unreadable.ts';
import { newCallId } from './write.ts';

/**
 * How often a claim searches again after other nodes claimed some of the records it had found: each
 * time, another node makes progress.
 */
const LOOKS = 20;

/** Implements `Store.claimDue`. */
export async function claimDue(parts: Parts, request: ClaimRequest): Promise<ClaimResult> {
  const { session, limit, groups } = request;
  const hosted = [...new Set(['', ...groups])];
  const claimed: StoredTransaction[] = [];
  // Records found but not claimed: locked, or changed by another node.
  const left = new Set<string>();
  const room = new Room(limit, request.maxBytes);
  try {
    for (let look = 1; look <= LOOKS; look++) {
      const wanted = Math.min(room.records, parts.claimPace.records);
      const { nowMs, alive, waiting } = await lookAtDue(parts, session, hosted, wanted, [...left]);
      if (!alive) return { claimed: [], nextDueInMs: null, sessionEnded: true };
      const ready = waiting.filter(({ atMs }) => atMs <= nowMs).slice(0, wanted);
      const beyond = ready.findIndex(({ bytes }) => !room.take(bytes));
      const due = beyond < 0 ? ready : ready.slice(0, beyond);
      parts.claimPace.note(due.length, beyond >= 0);
      const taken = due.length === 0 ? [] : await take(parts, session, due);
      claimed.push(...taken);
      if (taken.length < due.length) {
        const ids = new Set(taken.map(({ key }) => idOf(key)));
        for (const { id, bytes } of due) {
          if (ids.has(id)) continue;
          left.add(id);
          room.giveBack(bytes);
        }
        continue;
      }
      // This search was limited by the pace, neither by `limit` nor by bytes.
      if (beyond < 0 && due.length === wanted && room.records > 0) continue;
      const next = waiting[due.length];
      return { claimed, nextDueInMs: next === undefined ? null : Math.max(0, next.atMs - nowMs), sessionEnded: false };
    }
    return { claimed, nextDueInMs: 0, sessionEnded: false };
  } catch (thrown) {
    if (claimed.length === 0 || !(thrown instanceof StoreError)) throw thrown;
    throw new StoreError('outcome_unknown', `a part was claimed: ${thrown.message}`, thrown);
  }
}

async function lookAtDue(
  { work, tables, clock }: Parts,
  session: string,
  groups: readonly string[],
  limit: number,
  except: readonly string[],
) {
  const places = groups.map((group) => `${PLACES.due}${group}`);
  const state = [
    clock.set(),
    `select @now as now, count(*) as alive from ${tables.sessions} where session = ${text(session)} and ended_at is null`,
  ];
  const look = async (statements: readonly string[]) => {
    const [, seen, ...results] = await work.call({ changes: false, statements: [...state, ...statements] });
    return { row: seen?.rows[0], found: results.flatMap(({ rows }) => rows.map(foundOf)) };
  };
  let seen: Awaited<ReturnType<typeof look>>;
  try {
    seen = await look(places.map((place) => findSized(tables, place, limit + 1, except)));
  } catch (thrown) {
    if (!isUnreadable(thrown)) throw thrown;
    seen = await look([]);
    for (const place of places)
      seen.found.push(
        ...(await searchSizedByIds({ connection: work, tables, clock }, place, limit + 1, new Set(except))),
      );
  }
  const { row, found } = seen;
  const waiting: Found[] = found.sort((a, b) => a.atMs - b.atMs);
  return { nowMs: clock.seen(Number(row?.['now'])), alive: Number(row?.['alive']) === 1, waiting };
}

/**
 * Claims the records that were found, and returns them in that order; records that other nodes
 * claimed or locked concurrently are left to them. The claim is committed before a body is read, so
 * that a node that stops receiving keeps no locks.
 */
async function take(
  { work, tables, clock, countedStates }: Parts,
  session: string,
  due: readonly Found[],
): Promise<StoredTransaction[]> {
  const statements = [clock.set(), ...claim(tables, due, session, newCallId())];
  const results = await work.call({ changes: true, statements });
  const taken = new Set((results.at(-1)?.rows ?? []).map((row) => string(row['id'])));
  const ids = due.flatMap(({ id }) => (taken.has(id) ? [id] : []));
  try {
    const records = await read(work, tables, ids.map(keyOf));
    // Another node may have taken over a record since the claim.
    const claimed = records.flatMap((record) => (record?.owner === session ? [record] : []));
    for (const record of claimed) countedStates.note(idOf(record.key), record);
    return claimed;
  } catch (thrown) {
    if (ids.length === 0) throw thrown;
    throw new StoreError('outcome_unknown', `${ids.length} transactions were claimed, but could not be read`, thrown);
  }
}

/** Implements `Store.makeDue`. */
export async function makeDueLater(
  parts: Parts,
  { namespace, laterThanMs, limit }: MakeDueRequest,
): Promise<MakeDueResult> {
  const condition = ` and t.at > @now + ${number(Math.floor(laterThanMs))} and t.namespace = ${text(namespace)}`;
  return releaseFrom(parts, await placesOf(parts, PLACES.due), limit, condition);
}

/** Releases up to `limit` transactions whose owner is not alive. */
export async function releaseOrphans(
  parts: Parts,
  limit: number,
): Promise<{ readonly count: number; readonly more: boolean }> {
  const owned = await placesOf(parts, PLACES.owned);
  // Queried after the owners were found: a session is alive before it owns anything, so a session
  // opened concurrently is included.
  const statement = `select session from ${parts.tables.sessions} where ended_at is null`;
  const [result] = await parts.rest.call({ statements: [statement], changes: false });
  const living = new Set((result?.rows ?? []).map((row) => `${PLACES.owned}${string(row['session'])}`));
  return releaseFrom(
    parts,
    owned.filter((place) => !living.has(place)),
    limit,
  );
}

/** Makes up to `limit` transactions in the given places due at once, without an owner. */
async function releaseFrom(parts: Parts, places: readonly string[], limit: number, condition?: string) {
  const { rest, tables, clock } = parts;
  let count = 0;
  for (const place of places) {
    const room = limit - count;
    const wanted = { place, limit: room + 1, ...(condition !== undefined && { condition }) };
    const found = await searchAt({ connection: rest, tables, clock }, wanted);
    count += await release(parts, found.slice(0, room));
    if (found.length > room) return { count, more: true };
  }
  return { count, more: false };
}

/** The places of a kind that are in use, found by jumping from one to the next in the index. */
async function placesOf({ rest, tables }: Parts, kind: string): Promise<string[]> {
  const places: string[] = [];
  for (let behind = kind, inclusive = kind === PLACES.due; ; inclusive = false) {
    const statement = inclusive ? findIds(tables, kind, 1) : nextPlace(tables, behind, kind);
    const [result] = await rest.call({ changes: false, statements: [statement] });
    const [row] = result?.rows ?? [];
    if (inclusive) {
      if (row !== undefined) places.push(kind);
      continue;
    }
    if (row === undefined) return places;
    behind = string(row['place']);
    places.push(behind);
  }
}

async function release({ rest, tables, clock }: Parts, found: readonly Found[]): Promise<number> {
  if (found.length === 0) return 0;
  const statements = [clock.set(), makeDue(tables, found, newCallId())];
  const results = await rest.call({ changes: true, statements });
  return results[1]?.changed ?? 0;
}

/** Implements `Store.purge`. */
export async function purge({ rest, tables, clock }: Parts, { olderThanMs, limit }: PurgeRequest): Promise<number> {
  const condition = ` and t.at < @now - ${number(Math.floor(olderThanMs))}`;
  const found = await searchAt({ connection: rest, tables, clock }, { place: PLACES.finished, limit, condition });
  if (found.length === 0) return 0;
  const results = await rest.call({ changes: true, statements: [clock.set(), ...remove(tables, found, newCallId())] });
  return results.at(-1)?.changed ?? 0;
}
