import { type DatabaseServer, startMariadb } from '../servers/index.ts';
import { createConnection, type RowDataPacket } from 'mysql2/promise';
import { usePrivateServer } from './private-server.ts';

/** A private MariaDB for a test file, started before its tests and stopped after them. */
export interface TestServer {
  /** Where it is, once it runs. */
  readonly url: () => string;
  readonly server: () => DatabaseServer;
  /**
   * Runs statements outside of any store, on a separate connection; returns the rows of the last
   * one.
   */
  readonly run: (text: string) => Promise<RowDataPacket[]>;
}

/** Call it within a `describeWith(['mariadb'], …)`. */
export function useServer(settings: readonly string[] = [], environment: NodeJS.ProcessEnv = {}): TestServer {
  const server = usePrivateServer('MariaDB', () => startMariadb(settings, environment));
  return { server, url: () => server().url, run: (text) => runAt(server().url, text) };
}

/** Runs statements on a separate connection. */
export async function runAt(url: string, text: string): Promise<RowDataPacket[]> {
  const client = await createConnection({ uri: url, multipleStatements: true });
  try {
    const [results] = await client.query<RowDataPacket[] | RowDataPacket[][]>(text);
    const last = Array.isArray(results) && Array.isArray(results.at(-1)) ? results.at(-1) : results;
    return last as RowDataPacket[];
  } finally {
    await client.end();
  }
}

let prefixes = 0;
/** A table prefix that no test used before. */
export const newPrefix = (): string => `test${++prefixes}_`;
