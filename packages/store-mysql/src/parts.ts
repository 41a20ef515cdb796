import type { Connection } from './connection.ts';
import type { Tables } from './schema.ts';
import type { Standings } from './standings.ts';
import type { StoreClock } from './store-clock.ts';

/** What the parts of the store share. */
export interface Parts {
  readonly tables: Tables;
  readonly clock: StoreClock;
  readonly standings: Standings;
  /** For what drives transactions: claims, sessions, reads. */
  readonly work: Connection;
  /** For what may take its time: lists, counts, take-overs, purges, key-values. */
  readonly rest: Connection;
}
