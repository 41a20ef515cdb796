import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import type { Store } from '@holdfast/core/store';
import type { DatabaseServer } from '../servers/index.ts';
import { expect, it, onTestFinished } from 'vitest';
import { insertOf } from './items.ts';

const INFO = { node: 'node', version: '1' };

/** What sessions find on a server that came back with an older copy of its files. */
export function restoredServerCases(server: () => DatabaseServer, createStore: () => Store): void {
  it('a session finds that its last heartbeats are lost, and one opened after them that it is lost', async () => {
    const database = server();
    const { folder } = database;
    const copy = `${folder}.copy`;
    onTestFinished(() => rmSync(copy, { recursive: true, force: true }));
    const store = createStore();
    await store.open();
    await store.openSession('old', INFO);
    const before = await store.heartbeat('old');
    await database.kill();
    // With the owners and modes that the server insists on.
    execFileSync('cp', ['-a', folder, copy]);
    await database.start();
    const later = await responding(() => store.heartbeat('old'));
    expect(later.lastMs).toBe(before.nowMs);
    await store.openSession('new', INFO);
    await store.heartbeat('new');
    await store.write([insertOf('lost')]);
    await database.kill();
    execFileSync('sh', ['-c', 'rm -rf "$1"/* && cp -a "$2"/. "$1"', 'sh', folder, copy]);
    await database.start();
    const restored = await responding(() => store.heartbeat('old'));
    expect(restored.alive).toBe(true);
    expect(restored.lastMs).toBe(before.nowMs);
    expect(restored.nowMs).toBeGreaterThanOrEqual(later.nowMs);
    expect(await store.heartbeat('new')).toMatchObject({ alive: false, lastMs: null });
    expect(await responding(() => store.get([insertOf('lost').key]))).toEqual([undefined]);
    await store.close();
  });
}

/**
 * The result of the first call that the server responds to after its restart: connections were
 * lost.
 */
async function responding<T>(call: () => Promise<T>): Promise<T> {
  let result: T | undefined;
  await expect.poll(async () => (result = await call().catch(() => undefined)), { timeout: 20_000 }).toBeDefined();
  return result as T;
}
