import { MemoryStore } from '../../../src/memory-store/memory-store.ts';
import { StoreError, type StoreErrorCode, type WriteItem, type WriteOutcome } from '../../../src/store/index.ts';

/**
 * How one batch ends. `lost`: it is applied, and the connection is lost before the response.
 * `hang`: the response comes when the test releases it.
 */
export type Fate = 'applied' | 'lost' | 'hang' | StoreErrorCode;

/**
 * The memory store, with outcomes of writes by a script; after its end every batch is applied. The
 * probes of a write path are not part of the script: they succeed unless the store is away.
 */
export class ScriptedStore extends MemoryStore {
  /** The batches as they came, by write id. */
  readonly batches: string[][] = [];
  readonly fates: Fate[];
  /** Items whose batch fails, each with the error. */
  readonly poison: Map<string, StoreErrorCode>;
  /** No write gets through. */
  away = false;
  /** Probes that were sent. */
  probes = 0;
  /** Items that another client of the database blocks. */
  readonly blocked = new Set<string>();
  #release: (() => void)[] = [];

  constructor(fates: readonly Fate[] = [], poison: Map<string, StoreErrorCode> = new Map()) {
    super(() => 1_700_000_000_000);
    this.fates = [...fates];
    this.poison = poison;
  }

  override async write(batch: readonly WriteItem[]): Promise<WriteOutcome[]> {
    if (batch.some(({ key }) => key.gid === '.readiness-probe')) {
      this.probes++;
      if (this.away) throw new StoreError('outcome_unknown', 'connection lost');
      return super.write(batch);
    }
    this.batches.push(batch.map(nameOf));
    if (this.away) throw new StoreError('outcome_unknown', 'connection lost');
    const fate = this.fates.shift() ?? 'applied';
    if (fate === 'hang') await new Promise<void>((resolve) => this.#release.push(resolve));
    for (const item of batch) {
      const code = this.poison.get(nameOf(item));
      if (code !== undefined) throw new StoreError(code, `${nameOf(item)} cannot be stored`);
    }
    if (fate === 'lost') {
      await super.write(batch);
      throw new StoreError('outcome_unknown', 'connection lost');
    }
    if (fate !== 'applied' && fate !== 'hang') throw new StoreError(fate, `scripted: ${fate}`);
    if (this.blocked.size === 0) return super.write(batch);
    const free = await super.write(batch.filter((item) => !this.blocked.has(nameOf(item))));
    return batch.map((item) =>
      this.blocked.has(nameOf(item)) ? { kind: 'blocked', why: 'it is locked' } : (free.shift() ?? { kind: 'missing' }),
    );
  }

  /** Applies the batches that hang. */
  release(): void {
    for (const resolve of this.#release.splice(0)) resolve();
  }
}

const nameOf = (item: WriteItem): string => (item.kind === 'append' ? (item.entries[0]?.key ?? '') : item.writeId);
