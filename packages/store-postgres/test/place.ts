import { fileURLToPath } from 'node:url';
import type { StorePlace } from '@holdfast/conformance';
import pg from 'pg';
import { createPostgresStore } from '../src/index.ts';
import { newSchema, runAt } from '@holdfast/testing/postgres';

/** The path of a program of these tests; it runs the built packages. */
const programPath = (name: string): string => fileURLToPath(new URL(`programs/${name}`, import.meta.url));

export interface PostgresPlace extends StorePlace {
  readonly url: string;
  readonly schema: string;
}

/** Runs statements that lock something; resolves to a function that releases it. */
async function hold(url: string, statements: string): Promise<() => Promise<void>> {
  const holder = new pg.Client({ connectionString: url });
  await holder.connect();
  await holder.query(`begin; ${statements}`);
  return async () => {
    await holder.query('rollback');
    await holder.end();
  };
}

/** A new schema, with clocks that only the test moves. */
export async function createPlace(url: string): Promise<PostgresPlace> {
  const schema = newSchema();
  let wallMs = 1_700_000_000_000;
  let monotonicMs = 1_000;
  return {
    url,
    schema,
    createStore: () => createPostgresStore({ url, schema, wallMs: () => wallMs, monotonicMs: () => monotonicMs }),
    moveWallClock: (byMs) => void (wallMs += byMs),
    passTime: (byMs) => {
      wallMs += byMs;
      monotonicMs += byMs;
    },
    setWords: async (gid, words) => {
      for (const [column, word] of Object.entries(words))
        await runAt(url, `update ${schema}.transactions set ${column} = '${word}' where gid = '${gid}'`);
    },
    addColumns: async () => {
      for (const table of ['transactions', 'entries', 'counters', 'sessions', 'key_values'])
        await runAt(url, `alter table ${schema}.${table} add column later text not null default ''`);
    },
    holdRecord: (gid) => hold(url, `select from ${schema}.transactions where gid = '${gid}' for update`),
    holdKeyValues: () => hold(url, `select from ${schema}.key_values for update`),
    holdSession: (session) => hold(url, `select from ${schema}.sessions where session = '${session}' for update`),
    holdTables: () =>
      hold(url, `set local search_path to ${schema}; lock table transactions, entries, counters, sessions, key_values`),
    holdInsert: async (gid, from) => {
      const holder = new pg.Client({ connectionString: url });
      await holder.connect();
      await holder.query(`begin; set local search_path to ${schema};
        create temp table copy on commit drop as select * from transactions where gid = '${from}';
        update copy set gid = '${gid}'; insert into transactions select * from copy`);
      return async () => {
        await holder.query('rollback');
        await holder.end();
      };
    },
    damage: async (gid, damage) => {
      if (damage.part === 'head') throw new Error(`PostgreSQL does not know ${damage.name}`);
      const [table, column] = damage.part === 'entry' ? ['entries', 'body'] : ['transactions', damage.part];
      const [row] = await runAt(url, `select ${column} as body from ${schema}.${table} where gid = '${gid}'`);
      const body = damage.change(row?.['body'] as Buffer);
      const text =
        body === undefined
          ? `delete from ${schema}.${table} where gid = '${gid}'`
          : `update ${schema}.${table} set ${column} = '\\x${Buffer.from(body).toString('hex')}' where gid = '${gid}'`;
      await runAt(url, text);
    },
    writerProcess: { command: process.execPath, args: [programPath('crash-writer.mjs'), url, schema] },
    remove: async () => void (await runAt(url, `drop schema if exists ${schema} cascade`)),
  };
}
