import { isFinal, type TransactionKey } from '@holdfast/protocol';
import { MemoryStore } from '@holdfast/core/memory-store';
import type {
  ClaimRequest,
  ClaimResult,
  Heartbeat,
  SessionId,
  SessionInfo,
  StoredTransaction,
  TakeOverResult,
  WriteItem,
  WriteOutcome,
} from '@holdfast/core/store';
import type { World } from '../kernel/world.ts';
import type { StoreWatch } from '../check/store-watch.ts';
import type { Case, Cases } from './case.ts';
import { storeTimeAt } from './store-time.ts';

interface WatchedStoreDependencies {
  readonly world: World;
  readonly cases: Cases;
  readonly watch: StoreWatch;
}

/**
 * The store that all nodes share: the real memory store. Each case's `record` follows it at once,
 * and every change is judged when it happens, with no event in between.
 */
export class WatchedStore extends MemoryStore {
  readonly #cases: Cases;
  readonly #watch: StoreWatch;
  readonly #retired: Case[] = [];
  readonly #world: World;
  readonly #clock: StoreClock;
  /** The last committed versions of each record, oldest first. */
  readonly #versions = new Map<Case, StoredTransaction[]>();

  constructor({ world, cases, watch }: WatchedStoreDependencies) {
    const clock: StoreClock = { aheadMs: 0 };
    super(
      () => storeTimeAt(world.nowMs) + clock.aheadMs,
      () => world.nowMs,
    );
    this.#clock = clock;
    this.#world = world;
    this.#cases = cases;
    this.#watch = watch;
  }

  /** Sets the store's wall clock to the correct time plus some ms, which may be negative. */
  setClock(aheadMs: number): void {
    this.#clock.aheadMs = aheadMs;
  }

  override async write(batch: readonly WriteItem[]): Promise<WriteOutcome[]> {
    // The probe of a write path, which changes nothing.
    if (batch.every((item) => item.kind === 'update' && item.expectVersion === 0)) return super.write(batch);
    const outcomes = await super.write(batch);
    const changes = await this.#look(batch.map((item) => item.key));
    changes.forEach(({ one, before }, i) => {
      const item = batch[i];
      const outcome = outcomes[i];
      if (item !== undefined && outcome !== undefined) this.#watch.written(one, before, item, outcome);
    });
    return outcomes;
  }

  override async claimDue(request: ClaimRequest): Promise<ClaimResult> {
    const result = await super.claimDue(request);
    const nowMs = await this.nowMs();
    for (const { one, before } of await this.#look(result.claimed.map((record) => record.key)))
      this.#watch.claimed(one, before, request.session, nowMs);
    return result;
  }

  override async makeDue(request: Parameters<MemoryStore['makeDue']>[0]): ReturnType<MemoryStore['makeDue']> {
    const made = await super.makeDue(request);
    for (const { one, before } of await this.#lookAtUnfinished()) this.#watch.madeDue(one, before);
    return made;
  }

  override async openSession(session: SessionId, info: SessionInfo): Promise<void> {
    await super.openSession(session, info);
    this.#watch.sessions.opened(session, this.#world.nowMs);
  }

  override async heartbeat(session: SessionId): Promise<Heartbeat> {
    const result = await super.heartbeat(session);
    this.#watch.sessions.beat(session, result.alive, this.#world.nowMs);
    return result;
  }

  override async endSession(session: SessionId): Promise<void> {
    await super.endSession(session);
    this.#watch.sessions.ended(session);
  }

  override async takeOver(request: Parameters<MemoryStore['takeOver']>[0]): Promise<TakeOverResult> {
    const result = await super.takeOver(request);
    this.#watch.sessions.endedBySilence(result.ended, request.silenceMs, this.#world.nowMs);
    if (result.released === 0) return result;
    for (const { one, before } of await this.#lookAtUnfinished()) this.#watch.takenOver(one, before);
    return result;
  }

  override async purge(request: Parameters<MemoryStore['purge']>[0]): Promise<number> {
    const purged = await super.purge(request);
    if (purged > 0) {
      for (const { one, before } of await this.#look(this.#retired.map(({ key }) => key)))
        if (one.record === undefined && before !== undefined)
          this.#watch.purged(one, before, request.olderThanMs, await this.nowMs());
    }
    return purged;
  }

  /**
   * As `get`, but `choose` selects the version of each record: 0 is the latest, 1 the previous one.
   */
  async getOlder(
    keys: readonly TransactionKey[],
    choose: (versions: number) => number,
  ): Promise<(StoredTransaction | undefined)[]> {
    return keys.map((key) => {
      const one = this.#cases.find(key);
      const versions = (one && this.#versions.get(one)) ?? [];
      return versions.at(-1 - choose(Math.max(1, versions.length)));
    });
  }

  #lookAtUnfinished(): Promise<Change[]> {
    return this.#look([...this.#cases.unfinished].map((one) => one.key));
  }

  #remember(one: Case, record: StoredTransaction | undefined): void {
    const versions = this.#versions.get(one) ?? [];
    if (record === undefined || record.version === versions.at(-1)?.version) return;
    this.#versions.set(one, [...versions.slice(1 - KEPT_VERSIONS), record]);
  }

  /** Updates the cases from their records; returns their previous records. */
  async #look(keys: readonly TransactionKey[]): Promise<Change[]> {
    const records = await this.get(keys);
    return keys.map((key, i) => {
      const one = this.#cases.find(key);
      if (one === undefined) throw new Error(`a record that no client made: ${key.gid}`);
      const before = one.record;
      const record = records[i];
      one.record = record;
      this.#remember(one, record);
      if (record !== undefined && !isFinal(record.status)) this.#cases.unfinished.add(one);
      else if (this.#cases.unfinished.delete(one)) this.#retired.push(one);
      return { one, before };
    });
  }
}

interface StoreClock {
  aheadMs: number;
}
const KEPT_VERSIONS = 6;

interface Change {
  readonly one: Case;
  readonly before: StoredTransaction | undefined;
}
