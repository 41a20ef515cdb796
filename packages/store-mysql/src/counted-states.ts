import type { CountedState } from '@holdfast/core/store-kit';
import { isFinal } from '@holdfast/protocol';

/** The status and attention flag of most records that are updated. */
const USUAL: CountedState = { status: 'submitted', attention: false };
/** Maximum number of other records remembered; a batch with a forgotten one is sent twice. */
const MOST = 50_000;

/**
 * Status and attention flag of records when this node last wrote or read them. A batch counts its
 * changes without reading the records: each update states the values that it assumes, and applies
 * to no others. An entry may therefore be wrong or missing; the record is then read, and the batch
 * sent again.
 */
export class CountedStates {
  /** In insertion order, without records that have the usual values. */
  readonly #unusual = new Map<string, CountedState>();

  of(id: string): CountedState {
    return this.#unusual.get(id) ?? USUAL;
  }

  note(id: string, { status, attention }: CountedState): void {
    this.#unusual.delete(id);
    if (isFinal(status) || (status === USUAL.status && attention === USUAL.attention)) return;
    this.#unusual.set(id, { status, attention });
    if (this.#unusual.size <= MOST) return;
    const [oldest] = this.#unusual.keys();
    if (oldest !== undefined) this.#unusual.delete(oldest);
  }
}
