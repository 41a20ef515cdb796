import type { TransactionKey } from '@holdfast/protocol';
import { MemoryStore } from '@holdfast/core/memory-store';
import type {
  ClaimRequest,
  ClaimResult,
  StoredTransaction,
  TakeOverResult,
  WriteItem,
  WriteOutcome,
} from '@holdfast/core/store';
import { EPOCH_MS, type ModelTime } from './manual-clock.ts';

/**
 * The store that both nodes share: the real memory store, with direct access to its only record for
 * the judge.
 */
export class SharedStore extends MemoryStore {
  /** The current record. */
  record: StoredTransaction | undefined;
  /** The two previous versions, newest first. */
  earlier: readonly (StoredTransaction | undefined)[] = [undefined, undefined];
  readonly living = new Set<string>();
  readonly #key: TransactionKey;
  readonly #changed: (before: StoredTransaction | undefined, after: StoredTransaction | undefined) => void;

  constructor(
    time: ModelTime,
    key: TransactionKey,
    changed: (before: StoredTransaction | undefined, after: StoredTransaction | undefined) => void,
  ) {
    super(
      () => EPOCH_MS + time.nowMs,
      () => time.nowMs,
    );
    this.#key = key;
    this.#changed = changed;
  }

  override async write(batch: readonly WriteItem[]): Promise<WriteOutcome[]> {
    const outcomes = await super.write(batch);
    await this.#look();
    return outcomes;
  }

  override async claimDue(request: ClaimRequest): Promise<ClaimResult> {
    const result = await super.claimDue(request);
    await this.#look();
    return result;
  }

  override async takeOver(request: Parameters<MemoryStore['takeOver']>[0]): Promise<TakeOverResult> {
    const result = await super.takeOver(request);
    for (const session of result.ended) this.living.delete(session);
    await this.#look();
    return result;
  }

  override async openSession(...args: Parameters<MemoryStore['openSession']>): Promise<void> {
    await super.openSession(...args);
    this.living.add(args[0]);
  }

  override async endSession(session: string): Promise<void> {
    await super.endSession(session);
    this.living.delete(session);
  }

  async #look(): Promise<void> {
    const [record] = await this.get([this.#key]);
    if (record?.version === this.record?.version) return;
    const before = this.record;
    this.earlier = [before, this.earlier[0]];
    this.record = record;
    this.#changed(before, record);
  }
}
