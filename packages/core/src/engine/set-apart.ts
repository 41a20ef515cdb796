import type { Clock, Logger } from '../environment.ts';
import { StoreError, type WriteItem } from '../store/store.ts';
import {
  ABANDONED,
  type Attempted,
  type BatchResult,
  isUnstorable,
  logFieldsOf,
  Pauses,
  type Pending,
} from './pending.ts';

interface SetApartDependencies {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Calls the store once; resolves to the error if the store threw. */
  readonly write: (items: readonly WriteItem[]) => Promise<Attempted>;
  /** Whether the store accepts other writes now. */
  readonly takesWrites: () => Promise<boolean>;
  /**
   * `doubtful`: an earlier attempt may have been applied. `mayWait`: a blocked item may be sent
   * again.
   */
  readonly finish: (batch: readonly Pending[], result: BatchResult, doubtful: boolean, mayWait: boolean) => void;
  /** Called when later items of the same transactions may be written. */
  readonly onFinished: () => void;
}

interface Part {
  readonly batch: readonly Pending[];
  /** Whether an attempt had an unknown outcome. */
  readonly doubtful: boolean;
  /** Number of unknown outcomes of this part. */
  readonly unknown: number;
}

/** Number of unknown outcomes of a single item after which it is abandoned. */
const MAX_UNKNOWN = 8;

/**
 * Batches that fail repeatedly although the store accepts other writes. They are written here, one
 * part after the other, while the committer writes everything else.
 *
 * SA1 A part that fails is halved, so that the item at fault is alone after few attempts.
 * SA2 An item that is alone and whose outcome stays unknown is abandoned. An item that the store
 *     does not accept, with the certainty that nothing was applied, is kept.
 * SA3 Only attempts while the store accepts other writes count: an unreachable store causes no item
 *     to be abandoned.
 * SA4 Each failed attempt is followed by a pause, which grows to a second and is reset by a
 *     success.
 */
export class SetApart {
  readonly #d: SetApartDependencies;
  #parts: Part[] = [];
  readonly #ids = new Set<string>();
  #working = false;
  /** Incremented when everything is abandoned. */
  #generation = 0;

  constructor(dependencies: SetApartDependencies) {
    this.#d = dependencies;
  }

  /** Number of transactions with an item here. */
  get size(): number {
    return this.#ids.size;
  }

  /** Whether an item of the transaction is here, so that later ones wait. */
  holds(id: string): boolean {
    return this.#ids.has(id);
  }

  /** Takes over a batch that failed. */
  add(batch: readonly Pending[], doubtful: boolean): void {
    for (const { id } of batch) this.#ids.add(id);
    this.#parts.push(...halves({ batch, doubtful, unknown: 0 }));
    if (this.#working) return;
    this.#working = true;
    void this.#work();
  }

  /** Abandons every item: the session that wrote them has ended. */
  abandon(): void {
    this.#generation++;
    for (const part of this.#parts.splice(0)) this.#finish(part, ABANDONED);
  }

  async #work(): Promise<void> {
    const pauses = new Pauses(this.#d.clock);
    for (let part = this.#parts.shift(); part !== undefined; part = this.#parts.shift()) {
      const generation = this.#generation;
      const written = await this.#d.write(part.batch.map(({ item }) => item));
      if (!(written instanceof StoreError)) {
        pauses.reset();
        this.#finish(part, written, generation === this.#generation);
      } else if (generation !== this.#generation) this.#finish(part, ABANDONED);
      else if (await this.#failed(part, written, generation)) await pauses.pause();
    }
    this.#working = false;
  }

  /** Handles a failed attempt. Resolves to whether a pause is due. */
  async #failed(part: Part, error: StoreError, generation: number): Promise<boolean> {
    const isUnknown = error.code === 'outcome_unknown';
    const next = { ...part, doubtful: part.doubtful || isUnknown, unknown: part.unknown + (isUnknown ? 1 : 0) };
    const isAlone = part.batch.length === 1;
    if (isUnstorable(error)) {
      if (isAlone) this.#finish(part, next.doubtful ? ABANDONED : { kind: 'failed', error });
      else this.#parts.push(...halves(next));
      return false;
    }
    const counts = await this.#d.takesWrites();
    if (generation !== this.#generation) this.#finish(part, ABANDONED);
    else if (!counts) this.#parts.unshift({ ...next, unknown: part.unknown });
    else if (!isAlone) this.#parts.push(...halves(next));
    else if (next.unknown < MAX_UNKNOWN) this.#parts.push(next);
    else {
      this.#d.logger.error(
        logFieldsOf(part.batch, error),
        'the outcome of a write remains unknown; the write is abandoned',
      );
      this.#finish(part, ABANDONED);
    }
    return true;
  }

  #finish({ batch, doubtful }: Part, result: BatchResult, mayWait = true): void {
    for (const { id } of batch) this.#ids.delete(id);
    this.#d.finish(batch, result, doubtful, mayWait);
    this.#d.onFinished();
  }
}

function halves({ batch, doubtful }: Part): Part[] {
  const middle = batch.length >> 1;
  const parts = [batch.slice(0, middle), batch.slice(middle)];
  return parts.filter(({ length }) => length > 0).map((half) => ({ batch: half, doubtful, unknown: 0 }));
}
