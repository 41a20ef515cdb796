/** A branch ID has two digits per level. */
const MAX_BRANCHES = 99;

/**
 * Assigns IDs to the branches of one transaction, or to those within one of its branches: 01, 02,
 * …; within 01: 0101, 0102, …
 */
export class BranchIds {
  readonly #parent: string;
  #count = 0;

  constructor(parent = '') {
    this.#parent = parent;
  }

  /** Throws a RangeError if no ID is left. */
  next(): string {
    if (this.#count >= MAX_BRANCHES)
      throw new RangeError(`a transaction, or one branch of it, calls ${MAX_BRANCHES} branches at most`);
    this.#count++;
    return this.#parent + String(this.#count).padStart(2, '0');
  }
}
