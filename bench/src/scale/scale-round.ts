import type { Round } from '../measure/round.ts';
import type { Stored, StoreWork } from './store-work.ts';

/** A round on a store, and what the store did meanwhile. */
export interface ScaleRound extends Round, StoreWork {
  readonly readyMs: number;
  /** What lay in the store when the round was over. */
  readonly stored: Stored;
}
