import { STORE_LIMITS } from '@holdfast/core';

/**
 * The number of due records that a claim examines. The server reads the bodies of these to know
 * their lengths, so a claim that the bound of bytes cut short examines little more than it took, and
 * the claims after it examine more again as long as all fits.
 */
export class ClaimPace {
  #records: number = STORE_LIMITS.changeLimit;

  get records(): number {
    return this.#records;
  }

  /** @param taken records that fitted; `cut`: there were more, which did not */
  note(taken: number, cut: boolean): void {
    if (cut) this.#records = taken + 1;
    else this.#records = Math.min(this.#records * 2, STORE_LIMITS.changeLimit);
  }
}
