import { fileURLToPath } from 'node:url';
import type { StorePlace } from '@holdfast/conformance';
import { createConnection } from 'mysql2/promise';
import { createMysqlStore } from '../src/index.ts';
import { tablesOf } from '../src/schema.ts';
import { newPrefix, runAt } from '@holdfast/testing/mysql';

/** The path of a program of these tests; it runs the built packages. */
const programPath = (name: string): string => fileURLToPath(new URL(`programs/${name}`, import.meta.url));

export interface MysqlPlace extends StorePlace {
  readonly url: string;
  readonly prefix: string;
}

/** Runs statements that lock something; resolves to a function that releases it. */
async function hold(url: string, ...statements: readonly string[]): Promise<() => Promise<void>> {
  const holder = await createConnection({ uri: url });
  for (const statement of statements) await holder.query(statement);
  return async () => {
    await holder.query('rollback');
    await holder.query('unlock tables');
    await holder.end();
  };
}

/** New tables, with clocks that only the test moves. */
export async function createPlace(url: string): Promise<MysqlPlace> {
  const prefix = newPrefix();
  let wallMs = 1_700_000_000_000;
  let monotonicMs = 1_000;
  return {
    url,
    prefix,
    createStore: () => createMysqlStore({ url, prefix, wallMs: () => wallMs, monotonicMs: () => monotonicMs }),
    moveWallClock: (byMs) => void (wallMs += byMs),
    passTime: (byMs) => {
      wallMs += byMs;
      monotonicMs += byMs;
    },
    setWords: async (gid, words) => {
      for (const [column, word] of Object.entries(words))
        await runAt(
          url,
          `update ${prefix}transactions set ${column} = '${word}' where id = concat('default', char(0), '${gid}')`,
        );
    },
    addColumns: async () => {
      for (const table of ['transactions', 'entries', 'counters', 'sessions', 'key_values'])
        await runAt(url, `alter table ${prefix}${table} add column later varchar(20) not null default ''`);
    },
    holdRecord: async (gid) => {
      const holder = await createConnection({ uri: url });
      await holder.query('start transaction');
      await holder.query(`select 1 from ${prefix}transactions where id = ? for update`, [`default\0${gid}`]);
      return async () => {
        await holder.query('rollback');
        await holder.end();
      };
    },
    holdKeyValues: () => hold(url, 'start transaction', `select 1 from ${prefix}key_values for update`),
    holdSession: (session) =>
      hold(url, 'start transaction', `select 1 from ${prefix}sessions where session = '${session}' for update`),
    holdTables: () =>
      hold(
        url,
        `lock tables ${Object.values(tablesOf(prefix))
          .map((table) => `${table} write`)
          .join(', ')}`,
      ),
    holdInsert: async (gid, from) => {
      const holder = await createConnection({ uri: url });
      const table = `${prefix}transactions`;
      await holder.query(`create temporary table copied select * from ${table} where id = ?`, [`default\0${from}`]);
      await holder.query('update copied set id = ?', [`default\0${gid}`]);
      await holder.query('start transaction');
      await holder.query(`insert into ${table} select * from copied`);
      return async () => {
        await holder.query('rollback');
        await holder.end();
      };
    },
    damage: async (gid, damage) => {
      if (damage.part === 'head') throw new Error(`MariaDB does not know ${damage.name}`);
      const [table, column] = damage.part === 'entry' ? ['entries', 'body'] : ['transactions', damage.part];
      const where = `where id = concat('default', char(0), '${gid}')`;
      const [row] = await runAt(url, `select ${column} as body from ${prefix}${table} ${where}`);
      const body = damage.change(row?.['body'] as Buffer);
      const text =
        body === undefined
          ? `delete from ${prefix}${table} ${where}`
          : `update ${prefix}${table} set ${column} = x'${Buffer.from(body).toString('hex')}' ${where}`;
      await runAt(url, text);
    },
    writerProcess: { command: process.execPath, args: [programPath('crash-writer.mjs'), url, prefix] },
    remove: async () => void (await runAt(url, `drop table if exists ${Object.values(tablesOf(prefix)).join(', ')}`)),
  };
}
