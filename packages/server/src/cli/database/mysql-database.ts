import { createConnection, type RowDataPacket } from 'mysql2/promise';
import { CONNECT_TIMEOUT_MS, type Database, QUERY_TIMEOUT_MS } from './open-database.ts';

export async function openMysqlDatabase(url: string): Promise<Database> {
  const connection = await createConnection({
    uri: url.replace(/^mariadb:/, 'mysql:'),
    connectTimeout: CONNECT_TIMEOUT_MS,
  });
  return {
    kind: 'mysql',
    async query(text, values = []) {
      const [rows] = await connection.query<RowDataPacket[]>({
        sql: text,
        values: [...values],
        timeout: QUERY_TIMEOUT_MS,
      });
      return Array.isArray(rows) ? rows : [];
    },
    close: () => connection.end(),
  };
}
