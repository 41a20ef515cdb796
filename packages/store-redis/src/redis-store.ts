import {
  type ClaimRequest,
  type ClaimResult,
  decodeKeyCursor,
  decodeListCursor,
  encodeKeyCursor,
  encodeListCursor,
  type KeyValue,
  type KeyValueId,
  type ListQuery,
  type Page,
  type SchemaVersions,
  type SessionId,
  type SessionInfo,
  type SessionRow,
  type Store,
  type StoreCapabilities,
  type StoreCounts,
  type StoredTransaction,
  StoreError,
  type TakeOverResult,
  type WriteItem,
  type WriteOutcome,
} from '@holdfast/core';
import { STATUSES, type TransactionKey } from '@holdfast/protocol';
import { argumentsOf, outcomeOf } from './batch.ts';
import { type Argument, Connection, type Reply, type Script } from './connection.ts';
import { whatACrashMayLose } from './durability.ts';
import type { Settings } from './options.ts';
import { bytesOf, keyOf, listOf, recordOf, textOf } from './records.ts';
import * as scripts from './scripts/others.ts';
import { WRITE } from './scripts/write.ts';

const SCHEMA_VERSION = 1;
/** Transactions that one script call reads, claims, releases or deletes: nobody else is served meanwhile. */
const STEP = 100;
/** Positions that one script call looks at. */
const LOOKED_AT = 1_000;
const REMEMBERED_MS = 30 * 24 * 3_600 * 1_000;
const LAST_MS = 99_999_999_999_998;

/** The store on Redis: batches go over one connection, everything else over another. */
export class RedisStore implements Store {
  readonly #settings: Settings;
  readonly #base: string;
  readonly #batches: Connection;
  readonly #rest: Connection;
  #floorMs = 0;
  #durable = true;

  constructor(settings: Settings) {
    this.#settings = settings;
    this.#base = `{${settings.prefix}}:`;
    this.#batches = new Connection(settings);
    this.#rest = new Connection(settings);
  }

  /** `durable` is known when it is open. */
  get capabilities(): StoreCapabilities {
    return { name: 'redis', durable: this.#durable, exclusive: false };
  }

  async open(): Promise<SchemaVersions> {
    const [version, nowMs, found] = listOf(await this.#run(scripts.OPEN, [SCHEMA_VERSION]));
    if (Number(textOf(version)) !== SCHEMA_VERSION)
      throw new StoreError(
        'unsupported_format',
        `the keys at ${this.#base} are of schema ${textOf(version)}: start a newer Holdfast`,
      );
    this.#seen(nowMs);
    const loss = await whatACrashMayLose(this.#rest);
    this.#durable = loss === undefined;
    if (loss !== undefined) this.#settings.onWarning(`Redis at ${this.#settings.place}: ${loss}`);
    return { found: Number(found), current: SCHEMA_VERSION };
  }

  async close(): Promise<void> {
    await Promise.all([this.#batches.close(), this.#rest.close()]);
  }

  #run(script: Script, args: readonly Argument[] = [], connection = this.#rest): Promise<Reply> {
    const wall = this.#settings.wallMs;
    return connection.run(script, this.#base, [this.#floorMs, wall === undefined ? '' : Math.floor(wall()), ...args]);
  }

  #seen(reply: Reply | undefined): number {
    const nowMs = Number(textOf(reply));
    this.#floorMs = Math.max(this.#floorMs, nowMs);
    return nowMs;
  }

  async write(batch: readonly WriteItem[]): Promise<WriteOutcome[]> {
    const [nowMs, outcomes] = listOf(await this.#run(WRITE, argumentsOf(batch), this.#batches));
    this.#seen(nowMs);
    return listOf(outcomes).map(outcomeOf);
  }

  async get(keys: readonly TransactionKey[]): Promise<(StoredTransaction | undefined)[]> {
    const found: (StoredTransaction | undefined)[] = [];
    while (found.length < keys.length) {
      const part = keys.slice(found.length, found.length + STEP);
      const ids = part.flatMap(({ namespace, gid }) => [namespace, gid]);
      const replies = listOf(await this.#run(scripts.GET, ids));
      for (const [i, key] of part.slice(0, replies.length).entries()) found.push(recordOf(key, replies[i]));
    }
    return found;
  }

  async versions(keys: readonly TransactionKey[]): Promise<(number | undefined)[]> {
    const found: (number | undefined)[] = [];
    for (let from = 0; from < keys.length; from += LOOKED_AT) {
      const ids = keys.slice(from, from + LOOKED_AT).flatMap(({ namespace, gid }) => [namespace, gid]);
      for (const version of listOf(await this.#run(scripts.VERSIONS, ids)))
        found.push(version === null ? undefined : Number(textOf(version)));
    }
    return found;
  }

  async list(query: ListQuery): Promise<Page<StoredTransaction>> {
    const { namespace, createdFromMs = 0, createdToMs = LAST_MS, limit } = query;
    const below = query.cursor === undefined ? undefined : decodeListCursor(query.cursor);
    if (query.gid !== undefined) {
      const found = below === undefined ? await this.get([{ namespace, gid: query.gid }]) : [];
      return {
        items: found.flatMap((record) => (record !== undefined && matches(record, query) ? [record] : [])),
        next: null,
      };
    }
    const end = padded(Math.floor(createdToMs) + 1);
    const from = below === undefined ? end : `${padded(below.createdAtMs)}${below.gid}`;
    const filters = [
      query.status ?? '',
      query.pattern ?? '',
      query.attention === undefined ? '' : query.attention ? '1' : '0',
    ];
    const most = Math.max(LOOKED_AT, limit + 1);
    const first = Buffer.compare(Buffer.from(from), Buffer.from(end)) < 0 ? from : end;
    const range = [`(${first}`, `[${padded(Math.ceil(createdFromMs))}`];
    const reply = listOf(await this.#run(scripts.LIST, [namespace, ...range, most, ...filters, limit + 1]));
    const positions = listOf(reply[2]).map(positionOf);
    const chosen = positions.slice(0, limit);
    const records = await this.get(chosen.map(({ gid }) => ({ namespace, gid })));
    // What was deleted or changed between the two calls is left out.
    const items = records.flatMap((record) => (record !== undefined && matches(record, query) ? [record] : []));
    const last = positions.length > limit ? chosen.at(-1) : reply[0] === most ? positionOf(reply[1]) : undefined;
    return { items, next: last === undefined ? null : encodeListCursor(last) };
  }

  async count(namespace?: string): Promise<StoreCounts> {
    const flat = listOf(await this.#run(scripts.COUNT, [namespace === undefined ? 'n' : `n:${namespace}`]));
    const counts = new Map<string, number>();
    for (let i = 0; i < flat.length; i += 2) counts.set(textOf(flat[i]), Number(textOf(flat[i + 1])));
    const byStatus = Object.fromEntries(STATUSES.map((status) => [status, counts.get(status) ?? 0]));
    return { byStatus: byStatus as StoreCounts['byStatus'], attention: counts.get('attention') ?? 0 };
  }

  async claimDue({ session, limit, groups }: ClaimRequest): Promise<ClaimResult> {
    const hosted = [...new Set(['', ...groups])];
    const claimed: StoredTransaction[] = [];
    for (;;) {
      const step = Math.min(STEP, limit - claimed.length);
      const run = this.#run(scripts.CLAIM, [session, step, ...hosted]);
      const [now, alive, due, found] = listOf(await partly(claimed.length > 0, run));
      const nowMs = this.#seen(now);
      const records = listOf(found);
      for (const reply of records) {
        const [id, fields] = listOf(reply);
        const record = recordOf(keyOf(bytesOf(id)), fields);
        if (record !== undefined) claimed.push(record);
      }
      if (alive === 0) return { claimed, nextDueInMs: null, sessionEnded: true };
      const moreDue = textOf(due) !== '' && Number(textOf(due)) <= nowMs;
      if (moreDue && claimed.length < limit) continue;
      return {
        claimed,
        nextDueInMs: textOf(due) === '' ? null : Math.max(0, Number(textOf(due)) - nowMs),
        sessionEnded: false,
      };
    }
  }

  async makeDue({ namespace, laterThanMs, limit }: Parameters<Store['makeDue']>[0]): ReturnType<Store['makeDue']> {
    const begin = `${Buffer.byteLength(namespace)}:${namespace}`;
    let count = 0;
    for (const group of listOf(await this.#run(scripts.GROUPS))) {
      let kept = 0;
      // What is due already need not be made due; the first call makes a time of the duration.
      let after = String(Math.max(0, Math.floor(laterThanMs)));
      for (let relative = '1'; ; relative = '0') {
        const step = Math.min(LOOKED_AT, limit - count);
        const args = [bytesOf(group), begin, after, step, kept, LOOKED_AT, relative];
        const [made, others, full, looked, time] = listOf(await partly(count > 0, this.#run(scripts.MAKE_DUE, args)));
        count += Number(made);
        kept += Number(others);
        after = textOf(time);
        if (full === 1) return { count, more: true };
        if (Number(looked) < LOOKED_AT) break;
      }
    }
    return { count, more: false };
  }

  async openSession(session: SessionId, { node, version }: SessionInfo): Promise<void> {
    if ((await this.#run(scripts.OPEN_SESSION, [session, node, version])) !== 1)
      throw new StoreError('invalid', `session ${session} was ended; open one with a new id`);
  }

  async heartbeat(session: SessionId): ReturnType<Store['heartbeat']> {
    const [alive, nowMs] = listOf(await this.#run(scripts.HEARTBEAT, [session]));
    return { alive: alive === 1, nowMs: this.#seen(nowMs) };
  }

  async endSession(session: SessionId): Promise<void> {
    await this.#run(scripts.END_SESSION, [session]);
  }

  async takeOver({ silenceMs, keep, limit }: Parameters<Store['takeOver']>[0]): Promise<TakeOverResult> {
    const ended = listOf(await this.#run(scripts.END_SILENT, [Math.floor(silenceMs), keep, REMEMBERED_MS])).map(textOf);
    let released = 0;
    for (;;) {
      const run = this.#run(scripts.RELEASE, [Math.min(STEP, limit - released)]);
      const [done, more] = listOf(await partly(released + ended.length > 0, run));
      released += Number(done);
      if (more !== 1 || released === limit) return { ended, released, more: more === 1 };
    }
  }

  async sessions(): Promise<SessionRow[]> {
    return listOf(await this.#run(scripts.SESSIONS)).map((reply) => {
      const [session = '', node = '', version = '', startedAt, heartbeatAt, owned] = listOf(reply).map(textOf);
      const times = { startedAtMs: Number(startedAt), heartbeatAtMs: Number(heartbeatAt) };
      return { session, node, version, ...times, owned: Number(owned) };
    });
  }

  async purge({ olderThanMs, limit }: Parameters<Store['purge']>[0]): Promise<number> {
    let purged = 0;
    for (;;) {
      const step = Math.min(STEP, limit - purged);
      const done = Number(await partly(purged > 0, this.#run(scripts.PURGE, [Math.floor(olderThanMs), step])));
      purged += done;
      if (done < step || purged === limit) return purged;
    }
  }

  async nowMs(): Promise<number> {
    return this.#seen(await this.#run(scripts.TIME));
  }

  async kvGet(id: KeyValueId): Promise<KeyValue | undefined> {
    return keyValueOf(id, await this.#run(scripts.KV_GET, [id.namespace, id.category, id.key]));
  }

  async kvPut(id: KeyValueId, value: string, expectVersion: number): ReturnType<Store['kvPut']> {
    const args = [id.namespace, id.category, id.key, value, expectVersion];
    return (await this.#run(scripts.KV_PUT, args)) === 1 ? 'applied' : 'conflict';
  }

  async kvDelete(id: KeyValueId, expectVersion: number): ReturnType<Store['kvDelete']> {
    const done = await this.#run(scripts.KV_DELETE, [id.namespace, id.category, id.key, expectVersion]);
    return done === 1 ? 'applied' : done === 2 ? 'missing' : 'conflict';
  }

  async kvScan({ namespace, category, cursor, limit }: Parameters<Store['kvScan']>[0]): Promise<Page<KeyValue>> {
    const after = cursor === undefined ? '' : decodeKeyCursor(cursor);
    const rows = listOf(await this.#run(scripts.KV_SCAN, [namespace, category, after, limit + 1]));
    const items = rows.slice(0, limit).flatMap((row) => {
      const [key, fields] = listOf(row);
      return keyValueOf({ namespace, category, key: textOf(key) }, fields) ?? [];
    });
    const last = items.at(-1);
    return { items, next: last !== undefined && rows.length > limit ? encodeKeyCursor(last.key) : null };
  }
}

/** A step of a call whose earlier steps changed something already: when it fails, a part was done. */
async function partly(begun: boolean, step: Promise<Reply>): Promise<Reply> {
  try {
    return await step;
  } catch (thrown) {
    if (!begun || !(thrown instanceof StoreError)) throw thrown;
    throw new StoreError('outcome_unknown', `a part was done: ${thrown.message}`, thrown);
  }
}

const padded = (ms: number): string => String(Math.min(Math.max(ms, 0), LAST_MS + 1)).padStart(14, '0');

function positionOf(reply: Reply | undefined): { readonly createdAtMs: number; readonly gid: string } {
  const text = textOf(reply);
  return { createdAtMs: Number(text.slice(0, 14)), gid: text.slice(14) };
}

function keyValueOf(id: KeyValueId, reply: Reply | undefined): KeyValue | undefined {
  const [value, version, createdAt, updatedAt] = listOf(reply);
  if (version === null || version === undefined) return undefined;
  const { namespace, category, key } = id;
  const times = { createdAtMs: Number(textOf(createdAt)), updatedAtMs: Number(textOf(updatedAt)) };
  return { namespace, category, key, value: textOf(value), version: Number(textOf(version)), ...times };
}

const matches = (record: StoredTransaction, query: ListQuery): boolean =>
  (query.status === undefined || record.status === query.status) &&
  (query.pattern === undefined || record.pattern === query.pattern) &&
  (query.attention === undefined || record.attention === query.attention) &&
  record.createdAtMs >= (query.createdFromMs ?? 0) &&
  record.createdAtMs <= (query.createdToMs ?? Infinity);
