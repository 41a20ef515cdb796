import type { Store, StoreError } from '@holdfast/core/store';
import type { DatabaseServer } from '../servers/index.ts';
import { expect, vi } from 'vitest';
import { insertOf, updateOf } from './items.ts';

/*
 * The failures that every store on a database server must survive, as assertions. How to cut a
 * connection or lose a response depends on the database, and is part of each store driver's tests.
 */

/** How often and how long to wait for a condition of a server. */
export const WAIT = { interval: 20, timeout: 20_000 };

/** Calls until one call succeeds: a store notices a lost connection only when a call uses it. */
export const untilResponse = <T>(call: () => Promise<T>): Promise<T> => vi.waitFor(call, WAIT);

/**
 * Asserts that the outcome of a batch is unknown when its response is lost, and that the repeated
 * batch is applied once or recognised as applied. `losing` receives the function that sends the
 * batch, which changes gid `a`, and must lose its response, and no later one.
 */
export async function expectDoubtThatResolves(
  store: Store,
  losing: (send: () => Promise<unknown>) => Promise<unknown>,
): Promise<void> {
  await store.write([insertOf('a')]);
  const batch = [updateOf('a', { status: 'succeed' }), insertOf('b')];
  let outcome: unknown;
  await losing(async () => {
    outcome = await store.write(batch).catch((error: StoreError) => error.code);
  });
  expect(outcome).toBe('outcome_unknown');
  for (let time = 0; time < 2; time++)
    expect(await store.write(batch)).toEqual([
      { kind: 'applied', version: 2, existing: [] },
      { kind: 'applied', version: 1, existing: [] },
    ]);
  expect((await store.count()).byStatus).toMatchObject({ succeed: 1, submitted: 1 });
}

/** Asserts that a store reconnects after `cut` ended all its connections while they were idle. */
export async function expectNewConnection(store: Store, cut: () => Promise<unknown>): Promise<void> {
  await store.write([insertOf('a')]);
  await store.nowMs();
  await cut();
  const results = await Promise.all([untilResponse(() => store.nowMs()), untilResponse(() => store.count())]);
  expect(results[1].byStatus.submitted).toBe(1);
  expect(await untilResponse(() => store.write([insertOf('b')]))).toMatchObject([{ kind: 'applied' }]);
}

/**
 * Kills the server after `writes` writes, while more are in flight, and starts it again. Asserts
 * that calls fail with `unavailable` until then, and that every acknowledged write is stored.
 * `first` makes the first call after the restart.
 */
export async function expectToOutliveItsServer(
  store: Store,
  server: DatabaseServer,
  { writes, first }: { readonly writes: number; readonly first: <T>(call: () => Promise<T>) => Promise<T> },
): Promise<void> {
  await store.openSession('session', { node: 'node', version: '1' });
  const acknowledged: string[] = [];
  let killed: Promise<void> | undefined;
  for (let refused = false; !refused;) {
    if (acknowledged.length === writes) killed ??= server.kill();
    const gid = `gid-${acknowledged.length}`;
    refused = await store.write([insertOf(gid)]).then(
      () => false,
      () => true,
    );
    if (!refused) acknowledged.push(gid);
  }
  await killed;
  await expect(store.write([insertOf('z')])).rejects.toMatchObject({ code: 'unavailable' });
  await expect(store.nowMs()).rejects.toMatchObject({ code: 'unavailable' });
  await server.start();
  expect(await first(() => store.heartbeat('session'))).toMatchObject({ alive: true });
  const records = await store.get(acknowledged.map((gid) => ({ namespace: 'default', gid })));
  expect(records.every((record) => record?.version === 1)).toBe(true);
  expect(acknowledged.length).toBeGreaterThanOrEqual(writes);
  expect(await store.write([insertOf('z')])).toMatchObject([{ kind: 'applied' }]);
}
