import type { ClaimPace } from './claim-pace.ts';
import type { Connection } from './connection.ts';
import type { Tables } from './schema.ts';
import type { Standings } from './standings.ts';
import type { StoreClock } from './store-clock.ts';

/** What the parts of the store share. */
export interface Parts {
  readonly tables: Tables;
  readonly clock: StoreClock;
  readonly standings: Standings;
  readonly claimPace: ClaimPace;
  /** For what drives transactions: claims, reads. */
  readonly work: Connection;
  /** For sessions: a heartbeat waits for no claim and no large record. */
  readonly beats: Connection;
  /** For what may take long: lists, counts, takeovers, purges, key-values. */
  readonly rest: Connection;
}
