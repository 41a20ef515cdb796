import { containExceptions, postgresTlsOf, withoutTlsParameters } from '@holdfast/store-postgres';
import pg from 'pg';
import { CONNECT_TIMEOUT_MS, type Database, type Limits, type Row } from './open-database.ts';

export async function openPgDatabase(url: string, { mostBytes, queryTimeoutMs }: Limits): Promise<Database> {
  const parsed = new URL(url);
  const tls = postgresTlsOf(parsed.searchParams);
  const client = new pg.Client({
    connectionString: tls === undefined ? url : withoutTlsParameters(parsed),
    ...(tls !== undefined && { ssl: await tls.ssl() }),
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: queryTimeoutMs,
  });
  containExceptions(client, mostBytes);
  // A connection lost while idle is reported by the next query.
  client.on('error', () => {});
  await client.connect();
  return {
    kind: 'postgres',
    query: async (text, values = []) => (await client.query<Row>(text, [...values])).rows,
    close: () => client.end(),
  };
}
