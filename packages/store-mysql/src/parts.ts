import type { ClaimPace } from './claim-pace.ts';
import type { Connection } from './connection.ts';
import type { Tables } from './schema.ts';
import type { CountedStates } from './counted-states.ts';
import type { StoreClock } from './store-clock.ts';

/** Objects that the parts of the store share. */
export interface Parts {
  readonly tables: Tables;
  readonly clock: StoreClock;
  readonly countedStates: CountedStates;
  readonly claimPace: ClaimPace;
  /** For driving transactions: claims, reads. */
  readonly work: Connection;
  /** For sessions: a heartbeat must not wait for a claim or a large record. */
  readonly beats: Connection;
  /** For calls that may take long: lists, counts, takeovers, purges, key-values. */
  readonly rest: Connection;
}
