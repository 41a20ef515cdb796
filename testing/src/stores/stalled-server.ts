import type { Store } from '@holdfast/core/store';
import { stallingProxy } from '../servers/index.ts';
import { expect, it, onTestFinished } from 'vitest';

/** Longer than any test waits: what is bounded by it alone fails. */
export const STATEMENT_TIMEOUT_MS = 120_000;
const INFO = { node: 'node', version: '1' };

/**
 * How sessions behave while a server, or the network path to it, hangs.
 *
 * @param setUpText a text that only the first command of a new connection contains, after the
 *   handshake
 * @param createStore makes a store at that URL, whose statements may take `STATEMENT_TIMEOUT_MS`
 */
export function stalledServerCases(urlOf: () => string, setUpText: string, createStore: (url: string) => Store): void {
  const setUp = async () => {
    const proxy = await stallingProxy(urlOf());
    const store = createStore(proxy.url);
    onTestFinished(async () => {
      await proxy.close();
      await store.close();
    });
    await store.open();
    await store.openSession('session', INFO);
    return { proxy, store };
  };

  it('a heartbeat whose connection stalls is abandoned, and the next one goes over a new connection, whatever else hangs', async () => {
    const { proxy, store } = await setUp();
    await store.claimDue({ session: 'session', limit: 1, groups: [] });
    proxy.stallOpen();
    const hanging = store.claimDue({ session: 'session', limit: 1, groups: [] });
    await expect(store.heartbeat('session')).rejects.toThrow();
    expect(await store.heartbeat('session')).toMatchObject({ alive: true });
    const settled = await Promise.race([
      hanging.then(
        () => 'settled',
        () => 'settled',
      ),
      Promise.resolve('hangs'),
    ]);
    expect(settled).toBe('hangs');
    void hanging.catch(() => undefined);
  });

  it('a new session is opened as soon as the server responds again, not a statement timeout later', async () => {
    const { proxy, store } = await setUp();
    proxy.stallOpen();
    proxy.stallNew(true);
    await expect(store.heartbeat('session')).rejects.toThrow();
    // Over a new connection, which stalls before it can be used.
    await expect(store.openSession('next', INFO)).rejects.toThrow();
    proxy.stallOpen();
    proxy.stallNew(false);
    await store.endSession('session');
    await store.openSession('next', INFO);
    expect(await store.nowMs()).toBeGreaterThan(0);
  });

  it('a connection that stalls after its handshake is abandoned in the time for connecting', async () => {
    const { proxy, store } = await setUp();
    const other = createStore(proxy.url);
    proxy.stallAt(setUpText);
    const startedMs = performance.now();
    await expect(other.open()).rejects.toMatchObject({ code: 'unavailable' });
    expect(performance.now() - startedMs).toBeLessThan(STATEMENT_TIMEOUT_MS / 2);
    expect(await store.nowMs()).toBeGreaterThan(0);
  });

  it('a close does not wait for a server that is silent: calls in progress fail', async () => {
    const { proxy, store } = await setUp();
    await store.claimDue({ session: 'session', limit: 1, groups: [] });
    await store.count();
    proxy.stallOpen();
    proxy.stallNew(true);
    const calls = [store.claimDue({ session: 'session', limit: 1, groups: [] }), store.nowMs(), store.nowMs()];
    const ended = Promise.allSettled(calls);
    const startedMs = performance.now();
    await store.close();
    const states = (await ended).map(({ status }) => status);
    expect(performance.now() - startedMs).toBeLessThan(STATEMENT_TIMEOUT_MS / 2);
    expect(states).toEqual(['rejected', 'rejected', 'rejected']);
  });
}
