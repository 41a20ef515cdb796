import { type DatabaseServer, startPostgres } from '@holdfast/testing/servers';
import { afterAll, beforeAll } from 'vitest';

let schemas = 0;

/** A separate PostgreSQL for a test file. Call it within a `describeWith(['postgres'], …)`. */
export function useDatabase(): { readonly server: () => DatabaseServer; readonly newStore: () => string } {
  let started: DatabaseServer | undefined;
  beforeAll(async () => {
    started = await startPostgres();
  });
  afterAll(() => started?.stop());
  const server = (): DatabaseServer => {
    if (started === undefined) throw new Error('PostgreSQL is not installed, or was not started');
    return started;
  };
  return {
    server,
    /** The URL of an unused store. */
    newStore: () => `${server().url}?schema=cluster_${++schemas}`,
  };
}
