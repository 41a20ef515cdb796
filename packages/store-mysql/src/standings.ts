import { isFinal, type Status } from '@holdfast/protocol';

/** What the counters know of a record. */
export interface Standing {
  readonly status: Status;
  readonly attention: boolean;
}

/** How most records stand that are updated. */
const USUAL: Standing = { status: 'submitted', attention: false };
/** Those of the others that are remembered; for one that was forgotten, a batch is sent twice. */
const MOST = 50_000;

/**
 * How records stood when this node last wrote or read them. A batch counts what it changes without reading it: each update says which standing it takes the
 * record for, and fits no other. So this may be wrong or forget; then the record is looked at, and the batch sent again.
 */
export class Standings {
  /** In the order in which they came; those that stand as usual are left out. */
  readonly #unusual = new Map<string, Standing>();

  of(id: string): Standing {
    return this.#unusual.get(id) ?? USUAL;
  }

  note(id: string, { status, attention }: Standing): void {
    this.#unusual.delete(id);
    if (isFinal(status) || (status === USUAL.status && attention === USUAL.attention)) return;
    this.#unusual.set(id, { status, attention });
    if (this.#unusual.size <= MOST) return;
    const [oldest] = this.#unusual.keys();
    if (oldest !== undefined) this.#unusual.delete(oldest);
  }
}
