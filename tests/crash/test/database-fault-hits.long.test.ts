import { randomUUID } from 'node:crypto';
import type { Store } from '@holdfast/core/store';
import { createMysqlStore } from '@holdfast/store-mysql';
import { createPostgresStore } from '@holdfast/store-postgres';
import { describeWith } from '@holdfast/testing/describe-with';
import type { DatabaseServer } from '@holdfast/testing/servers';
import { insertOf, updateOf } from '@holdfast/testing/store-cases';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ConnectedFault, type FaultEffect, faultyDatabase } from '../src/database-faults/faulty-database.ts';
import { startDatabase } from '../src/private-database.ts';

/** Shorter than a statement waits for a lock, so that each waits until the fault has ended. */
const LASTS_MS = 1_500;

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

/** Repeats a call until the fault has ended; returns the hits of the fault. */
async function hitsWhile(call: () => Promise<unknown>, fault: Promise<FaultEffect>): Promise<number> {
  const state = { hasEnded: false };
  const calling = (async () => {
    while (!state.hasEnded) await call().catch(() => undefined);
  })();
  try {
    return (await fault).hits;
  } finally {
    state.hasEnded = true;
    await calling;
  }
}

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
    const carryOut = (kind: ConnectedFault): Promise<FaultEffect> => {
      const change = () => Promise.resolve(true);
      const tools = { lastsMs: LASTS_MS, changeKeyValue: change, changeEverywhere: change };
      return faultyDatabase(name, database.url).carryOut(kind, tools);
    };

    it.each(Object.entries(WAITS))('counts the statement that waits for it: %s', async (kind, call) => {
      expect(await hitsWhile(() => call(store), carryOut(kind as ConnectedFault))).toBe(1);
    });

    it('chooses the session with the latest heartbeat, not one whose node is gone', async () => {
      for (let i = 0; i < 30; i++) await store.openSession(`gone-${i}`, { node: 'gone', version: '1' });
      await store.heartbeat('session');
      expect(await hitsWhile(() => store.heartbeat('session'), carryOut('locked-session'))).toBe(1);
    });
  });
