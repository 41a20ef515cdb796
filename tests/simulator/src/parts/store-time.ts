/** The store's clock does not start at 0. */
const EPOCH_MS = 1_700_000_000_000;

/** The store's time at a simulated time. */
export const storeTimeAt = (worldMs: number): number => EPOCH_MS + worldMs;
