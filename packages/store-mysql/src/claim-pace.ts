import { STORE_LIMITS } from '@holdfast/core/store';

/**
 * The number of due records that a claim examines. The server reads the bodies of these to compute
 * their lengths, so after a claim that was cut short by the bound on bytes the next one examines
 * little more than was taken, and later claims examine more again as long as everything fits.
 */
export class ClaimPace {
  #records: number = STORE_LIMITS.changeLimit;

  get records(): number {
    return this.#records;
  }

  /**
   * @param taken number of records that fitted
   * @param cut whether there were more, which did not fit
   */
  note(taken: number, cut: boolean): void {
    if (cut) this.#records = taken + 1;
    else this.#records = Math.min(this.#records * 2, STORE_LIMITS.changeLimit);
  }
}
