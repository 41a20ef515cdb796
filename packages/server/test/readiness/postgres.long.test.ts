import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createPostgresStore } from '@holdfast/store-postgres';
import { startPostgres } from '@holdfast/testing/servers';
import pg from 'pg';
import { beforeAll } from 'vitest';
import { usePrivateServer } from '@holdfast/testing/private-server';
import { describeWith } from '@holdfast/testing/describe-with';
import { itFollowsWrites, type WriteFault } from '../support/readiness-suite.ts';

describeWith(['postgres'], 'a node on a PostgreSQL that it can read but not write', () => {
  const server = usePrivateServer('PostgreSQL', () => startPostgres());

  async function run(text: string): Promise<void> {
    const owner = new pg.Client({ connectionString: server().url });
    await owner.connect();
    try {
      await owner.query(text);
    } finally {
      await owner.end();
    }
  }

  beforeAll(async () => {
    const store = createPostgresStore({ url: server().url });
    await store.open();
    await store.close();
    await run(`create role service login; grant usage on schema holdfast to service;
      grant select, insert, update, delete on all tables in schema holdfast to service`);
  });

  const withoutPrivilege = (name: string, privilege: string): WriteFault => ({
    name,
    cause: /permission denied/,
    begin: async () => {
      await run(`revoke ${privilege} from service`);
      return () => run(`grant ${privilege} to service`);
    },
  });

  itFollowsWrites(
    () => Object.assign(new URL(server().url), { username: 'service' }).href,
    [
      withoutPrivilege('the privilege to insert is missing', 'insert on holdfast.transactions'),
      withoutPrivilege('a table that only batches change cannot be changed', 'update on holdfast.counters'),
      {
        name: 'the connection of batches cannot be made',
        cause: /too many connections for role/,
        isBeforeFirstWrite: true,
        begin: async () => {
          // Those that are open stay.
          await run('alter role service connection limit 1');
          return () => run('alter role service connection limit -1');
        },
      },
      {
        name: 'the server is a standby',
        cause: /is a standby/,
        endsSession: true,
        begin: async () => {
          await server().kill();
          await writeFile(join(server().folder, 'data', 'standby.signal'), '', { mode: 0o644 });
          await server().start();
          return () => run('select pg_promote()');
        },
      },
    ],
  );
});
