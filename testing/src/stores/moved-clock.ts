import type { Store } from '@holdfast/core/store';
import type { FakeClock } from '../servers/index.ts';
import { afterAll, expect, it } from 'vitest';
import { insertOf } from './items.ts';

const HOUR_S = 3_600;
const HOUR_MS = HOUR_S * 1_000;
/** Far more than what waits for a second takes, far less than an hour. */
const PATIENCE_MS = 20_000;

/**
 * A clock for the server of a test file, removed after its tests. Call it within a `describeWith`
 * that requires the program of this clock.
 */
export function useFakeClock(create: () => FakeClock | undefined): FakeClock {
  const clock = create();
  if (clock === undefined) throw new Error('the library of the clock is not installed');
  afterAll(() => clock.remove());
  return clock;
}

/** Claims until something is due; returns its gid. */
async function nextDue(store: Store, session: string): Promise<string | undefined> {
  for (const untilMs = performance.now() + PATIENCE_MS; performance.now() < untilMs;) {
    const { claimed } = await store.claimDue({ session, limit: 1, groups: [] });
    if (claimed[0] !== undefined) return claimed[0].key.gid;
  }
  return undefined;
}

/**
 * What a store on a server does whose clock is set back and forward by an hour. `createStore` makes
 * stores at one place, new for each case.
 */
export function movedClockCases(clock: FakeClock, newPlace: () => () => Store): void {
  const opened = async (store: Store, session: string): Promise<Store> => {
    await store.open();
    await store.openSession(session, { node: 'node', version: '1' });
    return store;
  };

  it('the server’s clock can be moved while it runs', async () => {
    clock.set(0);
    const createStore = newPlace();
    const store = await opened(createStore(), 'before');
    const before = await store.nowMs();
    clock.set(HOUR_S);
    expect((await store.nowMs()) - before).toBeGreaterThanOrEqual(HOUR_MS);
    await store.close();
  });

  it('what waits is due in time when the server’s clock was ahead and is corrected while the store is open', async () => {
    clock.set(HOUR_S);
    const store = await opened(newPlace()(), 'session');
    await store.write([insertOf('a', { dueInMs: 1_000 })]);
    const { nowMs } = await store.heartbeat('session');
    clock.set(0);
    expect(await nextDue(store, 'session')).toBe('a');
    const later = await store.heartbeat('session');
    expect(later.nowMs - nowMs).toBeGreaterThanOrEqual(900);
    expect(later.nowMs - nowMs).toBeLessThan(PATIENCE_MS + 10_000);
    await store.close();
  });

  it('what waits is due in time when the server’s clock was ahead and is corrected before the store is opened again', async () => {
    clock.set(HOUR_S);
    const createStore = newPlace();
    const before = await opened(createStore(), 'before');
    await before.write([insertOf('a', { dueInMs: 1_000 })]);
    await before.close();
    clock.set(0);
    const store = await opened(createStore(), 'session');
    expect(await nextDue(store, 'session')).toBe('a');
    await store.write([insertOf('b', { dueInMs: 500 })]);
    expect(await nextDue(store, 'session')).toBe('b');
    await store.close();
  });

  it('a silent session is ended in time while the server’s clock is behind', async () => {
    clock.set(HOUR_S);
    const store = await opened(newPlace()(), 'session');
    await store.openSession('silent', { node: 'node', version: '1' });
    clock.set(0);
    await expect
      .poll(
        async () => {
          await store.heartbeat('session');
          return (await store.takeOver({ silenceMs: 1_000, keep: 'session', limit: 1 })).ended;
        },
        { timeout: PATIENCE_MS },
      )
      .toEqual(['silent']);
    await store.close();
  });

  it('time does not run ahead when the server’s clock fell behind for a while', async () => {
    clock.set(0);
    const store = await opened(newPlace()(), 'session');
    const { nowMs } = await store.heartbeat('session');
    clock.set(-HOUR_S);
    await store.write([insertOf('a', { dueInMs: 200 })]);
    expect(await nextDue(store, 'session')).toBe('a');
    clock.set(0);
    await store.write([insertOf('b', { dueInMs: HOUR_MS / 2 })]);
    expect((await store.claimDue({ session: 'session', limit: 1, groups: [] })).claimed).toEqual([]);
    expect((await store.nowMs()) - nowMs).toBeLessThan(PATIENCE_MS + 10_000);
    await store.close();
  });
}
