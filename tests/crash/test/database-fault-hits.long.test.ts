import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Store } from '@holdfast/core/store';
import { createMysqlStore } from '@holdfast/store-mysql';
import { createPostgresStore } from '@holdfast/store-postgres';
import { describeWith } from '@holdfast/testing/describe-with';
import type { DatabaseServer } from '@holdfast/testing/servers';
import { insertOf, updateOf } from '@holdfast/testing/store-cases';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ConnectedFault, faultyDatabase } from '../src/database-faults/faulty-database.ts';
import { startDatabase } from '../src/private-database.ts';

/** Shorter than a statement waits for a lock, so that each waits until the fault has ended. */
const LASTS_MS = 1_500;
/** Between two calls, so that a rejected one is not repeated without a pause. */
const PAUSE_MS = 20;

const STORES = {
  postgres: { server: 'postgres', create: (url: string): Store => createPostgresStore({ url }) },
  mysql: { server: 'mariadbd', create: (url: string): Store => createMysqlStore({ url }) },
} as const;

const OWNED = { owner: 'session', dueInMs: null };
const KEY = { namespace: 'default', category: 'topics', key: 'k' };
/** A call that waits for what the fault has locked. */
const WAITS: Readonly<Record<Extract<ConnectedFault, `locked-${string}`>, (store: Store) => Promise<unknown>>> = {
  'locked-records': async (store) => {
    const [record] = await store.get([updateOf('a').key]);
    return store.write([updateOf('a', { expectVersion: record?.version ?? 0, writeId: randomUUID(), ...OWNED })]);
  },
  'locked-session': (store) => store.heartbeat('session'),
  'locked-key-values': async (store) => store.kvPut(KEY, 'value', (await store.kvGet(KEY))?.version ?? 0),
  'locked-tables': (store) => store.write([insertOf('b')]),
};

for (const [name, { server, create }] of Object.entries(STORES) as [keyof typeof STORES, (typeof STORES)['mysql']][])
  describeWith([server], `an outside transaction on ${name}`, () => {
    let database: DatabaseServer;
    let store: Store;
    beforeAll(async () => {
      database = await startDatabase(name);
      store = create(database.url);
      await store.open();
      await store.openSession('session', { node: 'n', version: '1' });
      await store.kvPut(KEY, 'value', 0);
      await store.write([insertOf('a', OWNED)]);
    });
    afterAll(async () => {
      await store.close();
      await database.stop();
    });

    describe('counts the statement that waits for it', () => {
      it.each(Object.entries(WAITS))('%s', async (kind, call) => {
        let over = false;
        const change = async (): Promise<true> => {
          await call(store).catch(() => undefined);
          return true;
        };
        const calling = (async () => {
          for (; !over; await delay(PAUSE_MS)) await change();
        })();
        const tools = { lastsMs: LASTS_MS, changeKeyValue: change, changeEverywhere: change };
        const { hits } = await faultyDatabase(name, database.url).carryOut(kind as ConnectedFault, tools);
        over = true;
        await calling;
        expect(hits).toBe(1);
      });
    });

    it('chooses the session with the latest heartbeat, not one whose node is gone', async () => {
      for (let i = 0; i < 30; i++) await store.openSession(`gone-${i}`, { node: 'gone', version: '1' });
      const unused = () => Promise.resolve(true);
      let over = false;
      const beating = (async () => {
        for (; !over; await delay(PAUSE_MS)) await store.heartbeat('session').catch(() => undefined);
      })();
      const tools = { lastsMs: LASTS_MS, changeKeyValue: unused, changeEverywhere: unused };
      const { hits } = await faultyDatabase(name, database.url).carryOut('locked-session', tools);
      over = true;
      await beating;
      expect(hits).toBe(1);
    });
  });
