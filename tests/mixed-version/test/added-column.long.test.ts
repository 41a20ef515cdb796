import { type DatabaseServer, startMariadb, startPostgres, startRedis } from '@holdfast/testing/servers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Participant } from '../../../deploy/test/support/participant.ts';
import { runAt as runAtMariadb } from '@holdfast/testing/mysql';
import { runAt as runAtPostgres } from '@holdfast/testing/postgres';
import { runAt as runAtRedis } from '@holdfast/testing/redis';
import { describeWith } from '@holdfast/testing/describe-with';
import { VersionedNode } from './support/versioned-node.ts';

/** The definitions of columns that a later version may add. */
const COLUMNS = ["varchar(20) not null default ''", 'varchar(20)'];
const TABLES = ['transactions', 'entries', 'counters', 'sessions', 'key_values'];

/**
 * A store, and the changes that a later version's migration makes to it while these nodes run. Only
 * one process at a time opens an LMDB file, so no later version can change the file concurrently; a
 * file that a later version has written is rejected by its format number.
 */
interface Upgraded {
  readonly program: string;
  readonly start: () => Promise<DatabaseServer | undefined>;
  /** Adds one column to each table, or a field to each record. */
  readonly add: (url: string, name: string, definition: string) => Promise<void>;
}

const UPGRADED: readonly Upgraded[] = [
  {
    program: 'postgres',
    start: () => startPostgres(),
    add: async (url, name, definition) => {
      for (const table of TABLES)
        await runAtPostgres(url, `alter table holdfast.${table} add column ${name} ${definition}`);
    },
  },
  {
    program: 'mariadbd',
    start: () => startMariadb(),
    add: async (url, name, definition) => {
      for (const table of TABLES)
        await runAtMariadb(url, `alter table holdfast_${table} add column ${name} ${definition}`);
    },
  },
  {
    program: 'redis-server',
    start: () => startRedis(),
    add: async (url, name) => {
      const script = `for _, key in ipairs(redis.call('keys', '*')) do
        if redis.call('type', key).ok == 'hash' then redis.call('hset', key, ARGV[1], '') end end`;
      await runAtRedis(url, 'EVAL', script, '0', name);
    },
  },
];

describe.each(UPGRADED)('a migration to a later version on $program', ({ program, start, add }) => {
  describeWith([program], 'while two nodes run', () => {
    let database: DatabaseServer;
    let participant: Participant;
    const nodes: VersionedNode[] = [];

    beforeAll(async () => {
      const started = await start();
      if (started === undefined) throw new Error(`${program} is not installed`);
      database = started;
      participant = await Participant.start();
      // The version that is kept as the previous one stops on PostgreSQL when a column is added
      // ("cached plan must not change result type"), and has no other shared store.
      for (let node = 0; node < 2; node++) nodes.push(await VersionedNode.start('present', database.url));
    });

    afterAll(async () => {
      // Also what they logged is checked.
      for (const node of nodes) await node.end('stopped');
      await participant.close();
      await database.stop();
    });

    it.each(COLUMNS)('that adds a column (%s) stops neither node', async (definition) => {
      const name = `later_${COLUMNS.indexOf(definition)}`;
      const submitted: (readonly [gid: string, node: VersionedNode])[] = [];
      const submit = async (round: number): Promise<void> => {
        for (const [i, node] of nodes.entries()) {
          const gid = `${name}-${round}-${i}`;
          const url = participant.url(`/${gid}`);
          const step = { action: url, compensate: participant.url('/undo'), payload: { amount: 30 } };
          // Not done yet at the first call: it is released, and claimed again.
          participant.respond(`/${gid}`, 425);
          await node.post('/transactions', { gid, pattern: 'saga', steps: [step], retryIntervalMs: 200 });
          submitted.push([gid, node]);
        }
      };
      for (let round = 0; round < 3; round++) await submit(round);
      const adding = add(database.url, name, definition);
      for (let round = 3; round < 12; round++) await submit(round);
      await adding;
      for (let round = 12; round < 15; round++) await submit(round);
      for (const [gid] of submitted) participant.respond(`/${gid}`, 200);
      for (const [gid, node] of submitted) {
        expect([gid, await node.final(gid)]).toEqual([gid, 'succeed']);
        for (const other of nodes) expect(await other.get(`/transactions/${gid}`)).toMatchObject({ status: 'succeed' });
      }
      for (const node of nodes) expect((await node.get('/nodes')).items).toHaveLength(nodes.length);
    });
  });
});
