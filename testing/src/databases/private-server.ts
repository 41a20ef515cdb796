import type { DatabaseServer } from '../servers/index.ts';
import { afterAll, beforeAll } from 'vitest';

/**
 * A separate server for a test file, started before its tests and stopped after them. Call this
 * function within a `describeWith` that checks whether the server is installed.
 */
export function usePrivateServer(name: string, start: () => Promise<DatabaseServer | undefined>): () => DatabaseServer {
  let started: DatabaseServer | undefined;
  beforeAll(async () => {
    started = await start();
  });
  afterAll(() => started?.stop());
  return () => {
    if (started === undefined) throw new Error(`${name} is not installed, or was not started`);
    return started;
  };
}
