import { describe, expect, it } from 'vitest';
import { MemoryStore } from '../../src/memory-store/memory-store.ts';
import { CheckedStore, type SchemaVersions, type Store, StoreError } from '../../src/store/index.ts';

/** A memory store of which some calls are replaced. */
const driverWith = (replaced: Partial<Store>): Store => Object.assign(new MemoryStore(() => 1), replaced);

async function opened(driver: Store): Promise<CheckedStore> {
  const store = new CheckedStore(driver);
  await store.open();
  return store;
}

const codeOf = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => 'no error',
    (error: unknown) => (error instanceof StoreError ? error.code : error),
  );

describe('CheckedStore', () => {
  it('converts any error of a store driver into a StoreError that keeps the cause', async () => {
    const cause = new TypeError('socket hang up');
    const store = await opened(driverWith({ nowMs: () => Promise.reject(cause) }));
    const error = await store.nowMs().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(StoreError);
    expect(error).toMatchObject({ code: 'unavailable', message: 'socket hang up', cause });
  });

  it('does not claim that nothing was applied when a driver throws at a write or a claim', async () => {
    const fails = (): never => {
      throw new TypeError('undefined is not a function');
    };
    const store = await opened(driverWith({ write: fails, claimDue: () => Promise.reject(new Error('decode')) }));
    const entries = [{ key: 'e', body: new Uint8Array(1) }];
    const item = { kind: 'append', key: { namespace: 'n', gid: 'g' }, whenStatus: [], entries, maxEntries: 1 } as const;
    expect(await codeOf(store.write([item]))).toBe('outcome_unknown');
    expect(await codeOf(store.claimDue({ session: 's', limit: 1, groups: [] }))).toBe('outcome_unknown');
    expect(await codeOf(store.write([{ ...item, entries: [] }]))).toBe('invalid');
  });

  it('accepts a gid once per namespace in a batch', async () => {
    const store = await opened(driverWith({}));
    const item = (namespace: string, gid: string) =>
      ({
        kind: 'append',
        key: { namespace, gid },
        whenStatus: [],
        entries: [{ key: 'e', body: new Uint8Array(1) }],
        maxEntries: 1,
      }) as const;
    expect(await codeOf(store.write([item('a', 'g'), item('b', 'g'), item('a', 'h')]))).toBe('no error');
    expect(await codeOf(store.write([item('a', 'g'), item('b', 'g'), item('b', 'g')]))).toBe('invalid');
    expect(await codeOf(store.write([item('a', 'g'), item('a', 'g')]))).toBe('invalid');
  });

  it('leaves the StoreErrors of a driver as they are', async () => {
    const error = new StoreError('outcome_unknown', 'lost');
    const store = await opened(driverWith({ count: () => Promise.reject(error) }));
    await expect(store.count()).rejects.toBe(error);
  });

  it('stays closed when opening failed, and may be opened again', async () => {
    let attempts = 0;
    const schema = { found: 1, current: 2 };
    const open = (): Promise<SchemaVersions> =>
      ++attempts === 1 ? Promise.reject(new StoreError('locked', 'taken')) : Promise.resolve(schema);
    const store = new CheckedStore(driverWith({ open }));
    expect(await codeOf(store.open())).toBe('locked');
    expect(await codeOf(store.nowMs())).toBe('closed');
    expect(await store.open()).toEqual(schema);
    expect(await store.open()).toEqual(schema);
    expect(attempts).toBe(2);
    expect(await store.nowMs()).toBe(1);
  });

  it('rejects new calls while it closes, and closes its store driver once every call has returned', async () => {
    const order: string[] = [];
    let respond: ((nowMs: number) => void) | undefined;
    const driver = driverWith({
      nowMs: () => new Promise<number>((resolve) => (respond = resolve)).finally(() => order.push('responded')),
      close: async (idle) => {
        await idle;
        order.push('closed');
      },
    });
    const store = await opened(driver);
    const call = store.nowMs();
    const close = store.close();
    await Promise.resolve();
    expect(await codeOf(store.count())).toBe('closed');
    respond?.(5);
    await Promise.all([call, close]);
    expect(order).toEqual(['responded', 'closed']);
  });

  it('does not pass invalid requests to its store driver', async () => {
    let queries = 0;
    const query = (): never => {
      queries++;
      throw new Error('asked');
    };
    const store = await opened(
      driverWith({
        claimDue: query,
        list: query,
        purge: query,
        takeOver: query,
        makeDue: query,
        kvPut: query,
        get: query,
      }),
    );
    const calls = [
      store.claimDue({ session: '', limit: 1, groups: [] }),
      store.claimDue({ session: 's', limit: 10_001, groups: [] }),
      store.claimDue({ session: 's', limit: 1, groups: ['g'.repeat(129)] }),
      store.list({ namespace: 'n', limit: 1, createdFromMs: Number.NaN }),
      store.purge({ olderThanMs: Number.POSITIVE_INFINITY, limit: 1 }),
      store.takeOver({ silenceMs: Number.NaN, keep: 's', limit: 1 }),
      store.makeDue({ namespace: '', laterThanMs: 0, limit: 1 }),
      store.kvPut({ namespace: 'n', category: 'c', key: '\0' }, 'v', 0),
      store.get([{ namespace: 'n', gid: 'g'.repeat(129) }]),
    ];
    for (const call of calls) expect(await codeOf(call)).toBe('invalid');
    expect(queries).toBe(0);
  });
});
