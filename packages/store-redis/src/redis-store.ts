import {
  type ClaimRequest,
  type ClaimResult,
  type ListQuery,
  type MakeDueRequest,
  type MakeDueResult,
  type Page,
  type PurgeRequest,
  type SchemaVersions,
  type Store,
  type StoreCapabilities,
  type StoreCounts,
  type StoredTransaction,
  StoreError,
  type WriteItem,
  type WriteOutcome,
} from '@holdfast/core/store';
import { CLOSE_MS, countsOf, within } from '@holdfast/core/store-kit';
import type { TransactionKey } from '@holdfast/protocol';
import { argumentsOf, outcomesOf } from './batch.ts';
import { claimDue, makeDue } from './due.ts';
import { whatACrashMayLose } from './durability.ts';
import { Installation, partly, STEP } from './installation.ts';
import { KeyValues } from './key-values.ts';
import { list } from './list.ts';
import type { Settings } from './options.ts';
import { read, versions } from './read.ts';
import { listOf, textOf } from './records.ts';
import * as scripts from './scripts/index.ts';
import { Sessions } from './sessions.ts';

const SCHEMA_VERSION = 1;

/** The store on Redis: every call is one script, or several with bounded work. */
export class RedisStore implements Store {
  readonly #settings: Settings;
  readonly #keys: Installation;
  readonly #sessions: Sessions;
  readonly #keyValues: KeyValues;
  #durable = true;

  constructor(settings: Settings) {
    this.#settings = settings;
    this.#keys = new Installation(settings);
    this.#sessions = new Sessions(this.#keys);
    this.#keyValues = new KeyValues(this.#keys);
  }

  /** `durable` is known only after `open`. */
  get capabilities(): StoreCapabilities {
    return { name: 'redis', durable: this.#durable, exclusive: false };
  }

  async open(): Promise<SchemaVersions> {
    const [version, nowMs, found] = listOf(await this.#keys.run(scripts.OPEN, [SCHEMA_VERSION]));
    if (Number(textOf(version)) !== SCHEMA_VERSION)
      throw new StoreError(
        'unsupported_format',
        `the keys at ${this.#keys.base} are of schema ${textOf(version)}: start a newer Holdfast`,
      );
    this.#keys.clock.seen(nowMs);
    const loss = await whatACrashMayLose(this.#keys.connection);
    this.#durable = loss === undefined;
    if (loss !== undefined) this.#settings.onWarning(`Redis at ${this.#settings.place}: ${loss}`);
    return { found: Number(found), current: SCHEMA_VERSION };
  }

  async close(idle?: Promise<void>): Promise<void> {
    await within(CLOSE_MS, idle);
    await this.#keys.close();
  }

  async write(batch: readonly WriteItem[]): Promise<WriteOutcome[]> {
    const [nowMs, outcomes, entries] = listOf(await this.#keys.runBatch(scripts.WRITE, argumentsOf(batch)));
    this.#keys.clock.seen(nowMs);
    return outcomesOf(outcomes, listOf(entries));
  }

  get(keys: readonly TransactionKey[]): Promise<(StoredTransaction | undefined)[]> {
    return read(this.#keys, keys);
  }

  versions(keys: readonly TransactionKey[]): Promise<(number | undefined)[]> {
    return versions(this.#keys, keys);
  }

  list(query: ListQuery): Promise<Page<StoredTransaction>> {
    return list(this.#keys, query);
  }

  async count(namespace?: string): Promise<StoreCounts> {
    const flat = listOf(await this.#keys.run(scripts.COUNT, [namespace === undefined ? 'n' : `n:${namespace}`]));
    const counts = new Map<string, number>();
    for (let i = 0; i < flat.length; i += 2) counts.set(textOf(flat[i]), Number(textOf(flat[i + 1])));
    return countsOf((name) => counts.get(name) ?? 0);
  }

  claimDue(request: ClaimRequest): Promise<ClaimResult> {
    return claimDue(this.#keys, request);
  }

  makeDue(request: MakeDueRequest): Promise<MakeDueResult> {
    return makeDue(this.#keys, request);
  }

  /** In steps between which Redis serves other calls; each may be repeated. */
  async purge({ olderThanMs, limit }: PurgeRequest): Promise<number> {
    let purged = 0;
    for (;;) {
      const step = Math.min(STEP, limit - purged);
      const run = this.#keys.run(scripts.PURGE, [Math.floor(olderThanMs), step]);
      const done = Number(await partly(purged > 0, run));
      purged += done;
      if (done < step || purged === limit) return purged;
    }
  }

  async nowMs(): Promise<number> {
    return this.#keys.clock.seen(await this.#keys.runBeat(scripts.TIME));
  }

  readonly openSession: Store['openSession'] = (session, info) => this.#sessions.open(session, info);
  readonly heartbeat: Store['heartbeat'] = (session) => this.#sessions.heartbeat(session);
  readonly endSession: Store['endSession'] = (session) => this.#sessions.end(session);
  readonly takeOver: Store['takeOver'] = (request) => this.#sessions.takeOver(request);
  readonly sessions: Store['sessions'] = () => this.#sessions.rows();

  readonly kvGet: Store['kvGet'] = (id) => this.#keyValues.get(id);
  readonly kvPut: Store['kvPut'] = (id, value, expectVersion) => this.#keyValues.put(id, value, expectVersion);
  readonly kvDelete: Store['kvDelete'] = (id, expectVersion) => this.#keyValues.delete(id, expectVersion);
  readonly kvScan: Store['kvScan'] = (query) => this.#keyValues.scan(query);
}
