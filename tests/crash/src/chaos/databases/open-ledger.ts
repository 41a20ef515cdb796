import type { IsolationLevel } from '@holdfast/client/pg';
import type { DatabaseName } from './chaos-database.ts';
import type { Ledger } from './ledger.ts';

/** Which accounts a process is to open. */
export interface LedgerPlace {
  readonly database: DatabaseName;
  readonly isolation: string;
  /** Through the proxy that cuts. */
  readonly url: string;
  /** Past it. */
  readonly directUrl: string;
  /** Number of the process: processes take turns with the client libraries of a database. */
  readonly process: number;
}

/**
 * The accounts in whichever database, through the SDK. Loads the client library of that database
 * alone.
 */
export async function openLedger(place: LedgerPlace): Promise<Ledger<unknown>> {
  const { database, url, directUrl } = place;
  const isolation = place.isolation as IsolationLevel;
  switch (database) {
    case 'postgres': {
      const { openPostgresLedger } = await import('./postgres-ledger.ts');
      return openPostgresLedger(url, directUrl, isolation);
    }
    case 'mysql': {
      const { openMysqlLedger } = await import('./mysql-ledger.ts');
      return openMysqlLedger(url, directUrl, isolation);
    }
    case 'redis': {
      const { openRedisLedger } = await import('./redis-ledger.ts');
      const library = place.process % 2 === 0 ? 'ioredis' : 'redis';
      return openRedisLedger(url, directUrl, library);
    }
  }
}
