import { containExceptions, destroy, MYSQL_TLS_PARAMETERS, mysqlTlsOf } from '@holdfast/store-mysql';
import { createConnection, type QueryError, type RowDataPacket } from 'mysql2';
import { CONNECT_TIMEOUT_MS, type Database, type Limits, type Row } from './open-database.ts';

export async function openMysqlDatabase(url: string, { mostBytes, queryTimeoutMs }: Limits): Promise<Database> {
  const parsed = new URL(url.replace(/^mariadb:/, 'mysql:'));
  const server = { host: parsed.hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(parsed.port || 3306) };
  const tls = await mysqlTlsOf(parsed.searchParams, server)?.options();
  for (const name of MYSQL_TLS_PARAMETERS) parsed.searchParams.delete(name);
  const client = createConnection({
    uri: parsed.href,
    ...tls,
    connectTimeout: CONNECT_TIMEOUT_MS,
  });
  // The library calls back to no pending query of a connection that was destroyed.
  let fail = (_reason: unknown): void => undefined;
  const failed = new Promise<never>((_resolve, reject) => (fail = reject));
  failed.catch(() => undefined);
  containExceptions(
    client,
    (thrown) => {
      fail(thrown);
      destroy(client);
    },
    mostBytes,
  );
  // A connection lost while idle is reported by the next query.
  client.on('error', fail);
  const settled = <T>(start: (done: (error: QueryError | null, value?: T) => void) => void): Promise<T | undefined> =>
    Promise.race([
      failed,
      new Promise<T | undefined>((resolve, reject) =>
        start((error, value) => (error === null ? resolve(value) : reject(error))),
      ),
    ]);
  await settled<void>((done) => client.connect(done));
  return {
    kind: 'mysql',
    async query(text, values = []) {
      const rows = await settled<readonly Row[]>((done) =>
        client.query<RowDataPacket[]>({ sql: text, values: [...values], timeout: queryTimeoutMs }, done),
      );
      return Array.isArray(rows) ? (rows as readonly Row[]) : [];
    },
    close: async () => {
      await settled<void>((done) => client.end((error?: QueryError | null) => done(error ?? null)));
    },
  };
}
