import { createMysqlStore } from '@holdfast/store-mysql';
import { startMariadb } from '@holdfast/testing/servers';
import { createConnection, type RowDataPacket } from 'mysql2/promise';
import { beforeAll } from 'vitest';
import { describeWith } from '@holdfast/testing/describe-with';
import { usePrivateServer } from '@holdfast/testing/private-server';
import { itFollowsWrites, type WriteFault } from '../support/readiness-suite.ts';

const SERVICE = `service@'127.0.0.1'`;

describeWith(['mariadbd'], 'a node on a MariaDB that it can read but not write', () => {
  const server = usePrivateServer('MariaDB', () => startMariadb());

  /** Runs statements on a separate connection; resolves to the rows, if it is one statement. */
  async function run(text: string): Promise<RowDataPacket[]> {
    const client = await createConnection({ uri: server().url, multipleStatements: true });
    try {
      return (await client.query<RowDataPacket[]>(text))[0];
    } finally {
      await client.end();
    }
  }

  beforeAll(async () => {
    const store = createMysqlStore({ url: server().url });
    await store.open();
    await store.close();
    const tables = await run(`select table_name as name from information_schema.tables
      where table_schema = database() and table_type = 'BASE TABLE'`);
    // Of each table: what is granted for the whole database cannot be revoked for one.
    const grants = tables.map(({ name }) => `grant select, insert, update, delete on ${String(name)} to ${SERVICE}`);
    // Without a limit the server would not count the connections that are open when a limit is set.
    await run([`create user ${SERVICE} with max_user_connections 100`, ...grants].join('; '));
  });

  const withoutPrivilege = (name: string, privilege: string): WriteFault => ({
    name,
    cause: /command denied/,
    begin: async () => {
      await run(`revoke ${privilege} from ${SERVICE}`);
      return () => run(`grant ${privilege} to ${SERVICE}`);
    },
  });

  itFollowsWrites(
    () => Object.assign(new URL(server().url), { username: 'service' }).href,
    [
      withoutPrivilege('the privilege to insert is missing', 'insert on holdfast_transactions'),
      withoutPrivilege('a table that only batches change cannot be changed', 'update on holdfast_counters'),
      {
        name: 'the connection of batches cannot be made',
        cause: /max_user_connections/,
        isBeforeFirstWrite: true,
        begin: async () => {
          // Those that are open stay.
          await run(`alter user ${SERVICE} with max_user_connections 1`);
          return () => run(`alter user ${SERVICE} with max_user_connections 100`);
        },
      },
      {
        name: 'the server is read-only',
        cause: /read-only/,
        endsSession: true,
        begin: async () => {
          await run('set global read_only = 1');
          return () => run('set global read_only = 0');
        },
      },
    ],
  );
});
