import { describe, expect, it } from 'vitest';
import { encodeDefinition, NO_OPTIONS } from '../../src/codec/definition-codec.ts';
import { encodeState } from '../../src/codec/state-codec.ts';
import { listPage } from '../../src/engine/lists.ts';
import { MemoryStore } from '../../src/memory-store/memory-store.ts';
import {
  CheckedStore,
  type InsertItem,
  type ListQuery,
  type Page,
  type StoredTransaction,
} from '../../src/store/index.ts';
import type { Definition } from '../../src/patterns/model.ts';
import { newTransaction } from '../../src/patterns/state.ts';
import { ManualClock } from '../support/manual-clock.ts';

/** A memory store that examines few records per call, and keeps the requests. */
class ShortStore extends MemoryStore {
  readonly queries: ListQuery[] = [];
  examined = 10;
  /** Called before each list. */
  before = (): void => undefined;

  override async list(query: ListQuery): Promise<Page<StoredTransaction>> {
    this.queries.push(query);
    this.before();
    const { status, pattern, attention, ...rest } = query;
    const page = await super.list({ ...rest, limit: this.examined });
    const items = page.items.filter(
      (item) =>
        (status === undefined || item.status === status) &&
        (pattern === undefined || item.pattern === pattern) &&
        (attention === undefined || item.attention === attention),
    );
    return { items: items.slice(0, query.limit), next: page.next };
  }
}

const definition: Definition = {
  pattern: 'saga',
  protocol: 'http',
  steps: [{ action: 'http://a/do', compensate: '' }],
  payloads: [new Uint8Array(100)],
  customData: '',
  queryPrepared: '',
  options: NO_OPTIONS,
  orders: {},
  workflowName: '',
  workflowData: new Uint8Array(0),
};

const insertOf = (gid: string, change: Partial<InsertItem> = {}): InsertItem => {
  const key = { namespace: 'default', gid };
  const { state } = newTransaction(key, definition, 1);
  return {
    kind: 'insert',
    key,
    writeId: gid,
    status: 'succeed',
    owner: null,
    dueInMs: null,
    attention: false,
    pattern: 'saga',
    group: '',
    definition: encodeDefinition(definition),
    state: encodeState({ ...state, rollbackReason: 'because' }),
    ...change,
  };
};

/** Runs timers until the page is there. */
async function paged(clock: ManualClock, page: Promise<Page<unknown>>): Promise<void> {
  const progress = { done: false };
  void page.finally(() => (progress.done = true));
  while (!progress.done) await clock.advance(1);
}

async function setUp() {
  let wallMs = 1_700_000_000_000;
  const inner = new ShortStore(() => wallMs++);
  const store = new CheckedStore(inner);
  await store.open();
  const clock = new ManualClock();
  const list = async (query: Partial<ListQuery>) => {
    const page = listPage({ store, clock }, 'default', { limit: 50, ...query });
    await paged(clock, page);
    return page;
  };
  const add = async (...items: InsertItem[]) => void (await store.write(items));
  return { inner, store, clock, list, add };
}

describe('a page of transactions', () => {
  it('finds what needs operator attention behind everything newer that has finished', async () => {
    const { list, add } = await setUp();
    for (let i = 0; i < 5; i++) await add(insertOf(`stuck-${i}`, { status: 'submitted', attention: true }));
    for (let i = 0; i < 300; i++) await add(insertOf(`done-${i}`));
    const page = await list({ attention: true });
    expect(page.items.map(({ gid }) => gid)).toEqual(['stuck-4', 'stuck-3', 'stuck-2', 'stuck-1', 'stuck-0']);
    expect(page.next).toBeNull();
    expect((await list({ status: 'submitted' })).items).toHaveLength(5);
    expect((await list({ pattern: 'xa' })).next).toBeNull();
  });

  it('fills a page, and its cursor leads to the rest', async () => {
    const { list, add } = await setUp();
    for (let i = 0; i < 200; i++) await add(insertOf(`t-${i}`, i % 20 === 0 ? { status: 'failed' } : {}));
    const first = await list({ status: 'failed', limit: 7 });
    expect(first.items).toHaveLength(7);
    const second = await list({ status: 'failed', limit: 7, cursor: first.next ?? '' });
    expect([second.items.length, second.next]).toEqual([3, null]);
  });

  it('searches nothing when no transaction matches by the counters, and stops at the last match (I2)', async () => {
    const { inner, list, add } = await setUp();
    for (let i = 0; i < 30; i++) await add(insertOf(`done-${i}`));
    expect(await list({ attention: true })).toEqual({ items: [], next: null });
    expect(await list({ status: 'aborting' })).toEqual({ items: [], next: null });
    expect(inner.queries).toEqual([]);
    for (let i = 0; i < 300; i++) await add(insertOf(`older-${i}`));
    await add(insertOf('newest', { status: 'aborting' }));
    expect((await list({ status: 'aborting' })).items).toHaveLength(1);
    expect(inner.queries).toHaveLength(1);
  });

  it('returns a cursor when the search takes long, and continues from there (I1)', async () => {
    const { inner, clock, list, add } = await setUp();
    await add(insertOf('stuck', { status: 'submitted', attention: true }));
    for (let i = 0; i < 300; i++) await add(insertOf(`done-${i}`));
    inner.before = () => clock.jump(300);
    const first = await list({ attention: true });
    expect(first.items).toEqual([]);
    expect(first.next).not.toBeNull();
    expect(inner.queries.length).toBeLessThanOrEqual(5);
    inner.before = () => undefined;
    const second = await list({ attention: true, cursor: first.next ?? '' });
    expect(second.items.map(({ gid }) => gid)).toEqual(['stuck']);
  });

  it('reads no definition for summaries, and shows what these need', async () => {
    const { list, add } = await setUp();
    await add(insertOf('a', { status: 'failed' }));
    const [summary] = (await list({ summary: true })).items;
    expect(summary).toMatchObject({
      gid: 'a',
      pattern: 'saga',
      status: 'failed',
      state: { rollbackReason: 'because' },
    });
    expect([summary?.definition.payloads, summary?.branches]).toEqual([[], []]);
    const [whole] = (await list({})).items;
    expect(whole?.definition.steps).toHaveLength(1);
    expect(whole?.branches.length).toBeGreaterThan(0);
  });
});
