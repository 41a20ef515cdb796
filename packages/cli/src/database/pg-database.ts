import { containExceptions } from '@holdfast/store-postgres';
import pg from 'pg';
import { CONNECT_TIMEOUT_MS, type Database, MOST_BYTES, QUERY_TIMEOUT_MS, type Row } from './open-database.ts';

export async function openPgDatabase(url: string): Promise<Database> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: QUERY_TIMEOUT_MS,
  });
  containExceptions(client, MOST_BYTES);
  // A connection lost while idle is reported by the next query.
  client.on('error', () => {});
  await client.connect();
  return {
    kind: 'postgres',
    query: async (text, values = []) => (await client.query<Row>(text, [...values])).rows,
    close: () => client.end(),
  };
}
