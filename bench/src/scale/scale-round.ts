import type { Round } from '../measure/round.ts';
import type { Stored, StoreWork } from './store-work.ts';

/** A round on a store, with the store's work during it. */
export interface ScaleRound extends Round, StoreWork {
  readonly readyMs: number;
  /** The transactions in the store at the end of the round. */
  readonly stored: Stored;
}
