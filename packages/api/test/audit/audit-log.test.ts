import { MemoryStore } from '@holdfast/core/memory-store';
import type { KeyValueId, Store } from '@holdfast/core/store';
import {
  AuditBacklog,
  AuditLog,
  type AuditLogOptions,
  ChainCheck,
  type ChainPoint,
  type ChainVerdict,
} from '@holdfast/api';
import { describe, expect, it, vi } from 'vitest';
import { auditPageOf } from '../../src/audit/audit-pages.ts';

const SILENT = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const DAY_MS = 86_400_000;

const idOf = (sequence: number): KeyValueId => ({
  namespace: '$holdfast',
  category: 'audit',
  key: String(sequence).padStart(16, '0'),
});

/** A memory store whose time the test moves. */
class TimedStore extends MemoryStore {
  aheadMs = 0;
  override readonly nowMs = async () => 1_000_000 + this.aheadMs;
}

const logOver = (store: Store, options: Partial<AuditLogOptions> = {}): AuditLog =>
  new AuditLog({ store, logger: SILENT, retentionMs: 365 * DAY_MS, maxEntries: 1_000_000, ...options });

async function openStore(): Promise<TimedStore> {
  const store = new TimedStore(() => 0);
  await store.open();
  return store;
}

const begun = (gid: string, more: object = {}) => ({ kind: 'begun' as const, operation: 'stop', on: { gid }, ...more });

async function fill(log: AuditLog, count: number): Promise<void> {
  for (let n = 1; n <= count; n++) await log.append(begun(`g${n}`, { principal: n % 2 ? 'ann' : 'bob' }));
}

async function verdictOf(log: AuditLog, expected?: ChainPoint): Promise<ChainVerdict> {
  const check = new ChainCheck(expected);
  let cursor: string | undefined;
  do {
    const page = await auditPageOf(log, { order: 'oldest', limit: 3, cursor });
    check.startAt(page.anchor);
    for (const { line } of page.items) check.add(line);
    cursor = page.next ?? undefined;
  } while (cursor !== undefined);
  return check.end();
}

/** Replaces the line of an entry, as a program with access to the database may. */
async function tamper(store: Store, sequence: number, change: (line: string) => string): Promise<void> {
  const stored = await store.kvGet(idOf(sequence));
  await store.kvPut(idOf(sequence), change(stored?.value ?? ''), stored?.version ?? 0);
}

async function remove(store: Store, sequence: number): Promise<void> {
  await store.kvDelete(idOf(sequence), (await store.kvGet(idOf(sequence)))?.version ?? 0);
}

describe('the audit log', () => {
  it('numbers entries from 1, and each continues the one before', async () => {
    const log = logOver(await openStore());
    await fill(log, 10);
    expect(await verdictOf(log)).toMatchObject({ fault: undefined, entries: 10, last: { sequence: 10 } });
    expect((await log.head()).sequence).toBe(10);
  });

  it('keeps one chain while several nodes and many callers append at once', async () => {
    const store = await openStore();
    const nodes = [logOver(store), logOver(store), logOver(store)];
    const numbers = await Promise.all(
      nodes.flatMap((log, n) => Array.from({ length: 40 }, (_, i) => log.append(begun(`${n}-${i}`)))),
    );
    expect(new Set(numbers).size).toBe(120);
    expect(await verdictOf(nodes[0]!)).toMatchObject({ fault: undefined, entries: 120 });
  });

  it('stores an entry once although the outcome of its write is unknown', async () => {
    const { StoreError } = await import('@holdfast/core/store');
    const store = await openStore();
    const log = logOver(store);
    await fill(log, 2);
    const put = store.kvPut;
    let lost = 0;
    Object.assign(store, {
      kvPut: async (...args: Parameters<typeof put>) => {
        if (lost++ % 2 === 0) await put(...args);
        throw new StoreError('outcome_unknown', 'lost');
      },
    });
    expect(await log.append(begun('applied'))).toBe(3);
    Object.assign(store, { kvPut: put });
    expect(await log.append(begun('next'))).toBe(4);
    expect(await verdictOf(log)).toMatchObject({ fault: undefined, entries: 4 });
  });

  it('never gives an entry an earlier time than the entry before, although the clock is set back', async () => {
    const store = await openStore();
    const log = logOver(store);
    await log.append(begun('first'));
    store.aheadMs = -5_000;
    await log.append(begun('second'));
    await logOver(store).append(begun('third'));
    const times = (await auditPageOf(log, { order: 'oldest', limit: 9 })).items.map(
      ({ line }) => (JSON.parse(line) as { atMs: number }).atMs,
    );
    expect(times).toEqual([1_000_000, 1_000_000, 1_000_000]);
  });

  it('lists the newest first, page by page, and filters by principal, transaction and time', async () => {
    const store = await openStore();
    const log = logOver(store);
    await fill(log, 7);
    store.aheadMs = 100;
    await fill(log, 2);
    const numbers = async (query: object) => {
      const found: number[] = [];
      let cursor: string | undefined;
      do {
        const page = await auditPageOf(log, { order: 'newest', limit: 2, cursor, ...query });
        found.push(...page.items.map(({ sequence }) => sequence));
        cursor = page.next ?? undefined;
      } while (cursor !== undefined);
      return found;
    };
    expect(await numbers({})).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1]);
    expect(await numbers({ principal: 'bob' })).toEqual([9, 6, 4, 2]);
    expect(await numbers({ gid: 'g1' })).toEqual([8, 1]);
    expect(await numbers({ fromMs: 1_000_100 })).toEqual([9, 8]);
    expect(await numbers({ toMs: 1_000_099, gid: 'g1' })).toEqual([1]);
    await expect(auditPageOf(log, { order: 'newest', limit: 2, cursor: 'x' })).rejects.toMatchObject({
      code: 'invalid',
    });
  });

  it('rejects actions when it is full, those of operators last, and names what to do', async () => {
    const log = logOver(await openStore(), { maxEntries: 10 });
    await fill(log, 9);
    await expect(log.append(begun('command'), 'needed')).rejects.toThrow(/--audit-max-entries/);
    expect(await log.append(begun('operator'), 'reserve')).toBe(10);
    await expect(log.append(begun('operator'), 'reserve')).rejects.toMatchObject({ code: 'unavailable' });
    // The result of an action that was carried out is always stored.
    expect(await log.append({ kind: 'result', begun: 10 })).toBe(11);
  });
});

describe('the retention of the audit log', () => {
  it('deletes old entries, and the rest is a whole chain that records the deletion', async () => {
    const store = await openStore();
    const log = logOver(store, { retentionMs: DAY_MS });
    await fill(log, 1_200);
    store.aheadMs = 2 * DAY_MS;
    await log.append(begun('recent'));
    await log.prune();
    const verdict = await verdictOf(log);
    expect(verdict).toMatchObject({ fault: undefined, last: { sequence: 1_204 } });
    expect(await store.kvGet(idOf(1_200))).toBeUndefined();
    expect(await store.kvGet(idOf(1_201))).toBeDefined();
    expect(await log.append(begun('next'))).toBe(1_205);
    expect(await logOver(store).append(begun('of another node'))).toBe(1_206);
    expect((await auditPageOf(log, { order: 'newest', limit: 100 })).items).toHaveLength(6);
  });

  it.each([1, 2, 3, 4])('survives a crash after step %i of a deletion', async (step) => {
    const store = await openStore();
    const log = logOver(store, { retentionMs: DAY_MS });
    await fill(log, 5);
    store.aheadMs = 2 * DAY_MS;
    const { kvPut, kvDelete } = store;
    let left = step;
    const crash = () => {
      if (left-- <= 0) throw new Error('crashed');
    };
    Object.assign(store, {
      kvPut: (...args: Parameters<typeof kvPut>) => (crash(), kvPut(...args)),
      kvDelete: (...args: Parameters<typeof kvDelete>) => (crash(), kvDelete(...args)),
    });
    await log.prune();
    Object.assign(store, { kvPut, kvDelete });
    expect(await verdictOf(log)).toMatchObject({ fault: undefined });
    const other = logOver(store, { retentionMs: DAY_MS });
    await other.prune();
    expect(await verdictOf(other)).toMatchObject({ fault: undefined });
    expect(await store.kvGet(idOf(5))).toBeUndefined();
  });

  it('keeps entries forever if it is 0', async () => {
    const store = await openStore();
    const log = logOver(store, { retentionMs: 0 });
    await fill(log, 3);
    store.aheadMs = 10_000 * DAY_MS;
    await log.prune();
    expect(await verdictOf(log)).toMatchObject({ fault: undefined, entries: 3 });
  });
});

describe('a check of the audit log', () => {
  const tampered = async (change: (store: Store) => Promise<void>, expected?: ChainPoint) => {
    const store = await openStore();
    await fill(logOver(store), 9);
    await change(store);
    return (await verdictOf(logOver(store), expected)).fault;
  };
  const lineOf = async (store: Store, sequence: number) => (await store.kvGet(idOf(sequence)))?.value ?? '';

  it('finds a changed entry', async () => {
    const change = (line: string) => line.replace('"g5"', '"g6"');
    expect(await tampered((store) => tamper(store, 5, change))).toMatch(/^entry 5 was changed/);
  });

  it('finds a changed entry whose hash was computed again', async () => {
    const { sealed, readEntry } = await import('../../src/audit/chain.ts');
    const change = (line: string) => {
      const { prev } = readEntry(line)!;
      return sealed({ sequence: 4, hash: prev }, { kind: 'begun', atMs: 1, on: { gid: 'other' } }).line;
    };
    expect(await tampered((store) => tamper(store, 5, change))).toMatch(/^entry 6 does not continue the chain/);
  });

  it('finds an entry that is not an entry', async () => {
    expect(await tampered((store) => tamper(store, 5, () => 'x'))).toMatch(/^the entry after 4 was changed/);
  });

  it.each([2, 4, 5, 8])('finds that entry %i was deleted', async (sequence) => {
    expect(await tampered((store) => remove(store, sequence))).toBe(`entry ${sequence} is missing`);
  });

  it('finds that the first entries were deleted', async () => {
    const change = async (store: Store) => {
      for (const each of [1, 2]) await remove(store, each);
    };
    expect(await tampered(change)).toBe('entries 1 to 2 are missing');
  });

  it('finds that the first entries were deleted, and an anchor was written', async () => {
    const change = async (store: Store) => {
      const { hash } = JSON.parse(await lineOf(store, 2)) as { hash: string };
      for (const each of [1, 2]) await remove(store, each);
      const id = { namespace: '$holdfast', category: 'audit-anchor', key: 'anchor' };
      await store.kvPut(id, JSON.stringify({ sequence: 2, hash }), 0);
    };
    expect(await tampered(change)).toMatch(/no entry records that they were deleted/);
  });

  it('finds entries that were exchanged', async () => {
    const change = async (store: Store) => {
      const [fourth, sixth] = [await lineOf(store, 4), await lineOf(store, 6)];
      await tamper(store, 4, () => sixth);
      await tamper(store, 6, () => fourth);
    };
    expect(await tampered(change)).toMatch(/^entries 4 to 5 are missing/);
  });

  it('finds an entry that was inserted, and a copy', async () => {
    const insert = async (store: Store) => {
      await store.kvPut({ ...idOf(4), key: `${idOf(4).key}x` }, await lineOf(store, 4), 0);
    };
    expect(await tampered(insert)).toMatch(/^entry 4 is out of order/);
  });

  it('finds a truncated log by an expected point, and accepts a longer log', async () => {
    const store = await openStore();
    const log = logOver(store);
    await fill(log, 6);
    const { last } = await verdictOf(log);
    await fill(log, 2);
    expect((await verdictOf(log, last)).fault).toBeUndefined();
    for (const each of [8, 7, 6]) await remove(store, each);
    expect((await verdictOf(logOver(store))).fault).toBeUndefined();
    expect((await verdictOf(logOver(store), last)).fault).toMatch(/^entry 6, which is expected, is missing/);
    await fill(logOver(store), 3);
    expect((await verdictOf(logOver(store), last)).fault).toBe('entry 6 is not the one that is expected');
  });

  it('reports actions without a result', async () => {
    const log = logOver(await openStore());
    await fill(log, 3);
    await log.append({ kind: 'result', begun: 2, operation: 'stop', result: 'ok' });
    expect((await verdictOf(log)).withoutResult).toEqual([1, 3]);
  });
});

describe('a store that does not respond', () => {
  /** Requests to the store wait until `release`. */
  const hang = (store: TimedStore, name: 'kvPut' | 'kvGet') => {
    const real = store[name] as (...args: unknown[]) => Promise<unknown>;
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    Object.assign(store, { [name]: (...args: unknown[]) => held.then(() => real(...args)) });
    return () => {
      Object.assign(store, { [name]: real });
      release();
    };
  };

  it.each(['kvPut', 'kvGet'] as const)('rejects entries within 5 s, and blocks no later ones (%s)', async (name) => {
    const store = await openStore();
    const log = logOver(store);
    await fill(log, 2);
    const other = logOver(store);
    const release = hang(store, name);
    const startedMs = performance.now();
    const results = await Promise.allSettled(['a', 'b', 'c'].map((gid) => other.append(begun(gid), 'needed')));
    expect(performance.now() - startedMs).toBeLessThan(6_000);
    for (const result of results)
      expect(result).toMatchObject({
        status: 'rejected',
        reason: { code: 'unavailable', message: expect.stringContaining('did not respond in time') },
      });
    release();
    // Entries may have been stored late: then they are actions whose outcome is unknown.
    const next = await other.append(begun('next'));
    expect([3, 4, 5, 6]).toContain(next);
    expect(await verdictOf(log)).toMatchObject({ fault: undefined, entries: next });
  });

  it('delays the result of an action, which is stored when the store is back', async () => {
    const store = await openStore();
    const log = logOver(store);
    const lines: string[] = [];
    const note = (_: object, text: string) => void lines.push(text);
    const backlog = new AuditBacklog(log, { ...SILENT, error: note, info: note });
    await fill(log, 1);
    const { kvPut } = store;
    Object.assign(store, { kvPut: () => Promise.reject(new Error('away')) });
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      await backlog.add({ kind: 'result', begun: 1, operation: 'stop', result: 'ok' });
      await vi.advanceTimersByTimeAsync(6_000);
      expect((await verdictOf(log)).withoutResult).toEqual([1]);
      Object.assign(store, { kvPut });
      await vi.advanceTimersByTimeAsync(6_000);
    } finally {
      vi.useRealTimers();
    }
    expect(await verdictOf(log)).toMatchObject({ fault: undefined, entries: 2, withoutResult: [] });
    expect(lines).toEqual([
      'an entry could not be written to the audit log yet; the node tries again',
      'the entries that waited have been written to the audit log',
    ]);
  });
});

describe('an anchor that another program damaged', () => {
  it.each(['', 'null', '{"sequence":"1","hash":"x"}'])('is named (%j)', async (value) => {
    const store = await openStore();
    await store.kvPut({ namespace: '$holdfast', category: 'audit-anchor', key: 'anchor' }, value, 0);
    await expect(logOver(store).append(begun('g'))).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('its anchor'),
    });
  });
});
