/** Counts durations in classes about 1 % wide, so that a million of them need constant memory. */
const CLASSES_PER_DOUBLING = 64;
const SMALLEST_MS = 0.01;
const CLASSES = CLASSES_PER_DOUBLING * 24;

export class LatencyHistogram {
  readonly #counts = new Uint32Array(CLASSES);
  #total = 0;

  add(durationMs: number): void {
    const index = Math.round(Math.log2(Math.max(durationMs, SMALLEST_MS) / SMALLEST_MS) * CLASSES_PER_DOUBLING);
    const bounded = Math.min(index, CLASSES - 1);
    this.#counts[bounded] = (this.#counts[bounded] ?? 0) + 1;
    this.#total += 1;
  }

  /** The duration that `percent` of all do not exceed, to about 1 %; 0 without durations. */
  percentileMs(percent: number): number {
    if (this.#total === 0) return 0;
    const rank = Math.max(1, Math.ceil((percent / 100) * this.#total));
    let seen = 0;
    let index = 0;
    for (const count of this.#counts) {
      seen += count;
      if (seen >= rank) break;
      index += 1;
    }
    return SMALLEST_MS * 2 ** (index / CLASSES_PER_DOUBLING);
  }
}
