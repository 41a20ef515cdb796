import { type DatabaseServer, startPostgres } from '../servers/index.ts';
import pg from 'pg';
import { usePrivateServer } from './private-server.ts';

/** A private PostgreSQL for a test file, started before its tests and stopped after them. */
export interface TestServer {
  /** Where it is, once it runs. */
  readonly url: () => string;
  readonly server: () => DatabaseServer;
  /** Runs statements outside of any store, on a separate connection. */
  readonly run: (text: string) => Promise<pg.QueryResult['rows']>;
}

/** Call it within a `describeWith(['postgres'], …)`. */
export function useServer(settings: readonly string[] = [], environment: NodeJS.ProcessEnv = {}): TestServer {
  const server = usePrivateServer('PostgreSQL', () => startPostgres(settings, environment));
  return { server, url: () => server().url, run: (text) => runAt(server().url, text) };
}

/** Runs statements on a separate connection. */
export async function runAt(url: string, text: string): Promise<pg.QueryResult['rows']> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

let schemas = 0;
/** The name of a schema that no test used before. */
export const newSchema = (): string => `test_${++schemas}`;
