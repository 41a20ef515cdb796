import type { DatabaseServer } from '@holdfast/test-servers';
import { afterAll, beforeAll } from 'vitest';

/**
 * A server of its own for a test file: started before its tests, gone after them. Call it within a
 * `describeWith` that looks whether it is installed.
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
