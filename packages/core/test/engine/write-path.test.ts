import { describe, expect, it } from 'vitest';
import { MemoryStore } from '../../src/memory-store/memory-store.ts';
import { type InsertItem, StoreError, type WriteItem } from '../../src/store/index.ts';
import { WritePath } from '../../src/engine/write-path.ts';
import { ManualClock } from '../support/manual-clock.ts';

const rejection = new StoreError('unavailable', 'permission denied');

/** A write path over a memory store that counts batches and can be made to fail. */
function setUp() {
  const clock = new ManualClock();
  const lines: { readonly fields: object; readonly message: string }[] = [];
  const keep = (fields: object, message: string): void => void lines.push({ fields, message });
  const logger = { debug: keep, info: keep, warn: keep, error: keep };
  const memory = new MemoryStore(() => 0);
  const seen = { batches: 0, fails: false, hangs: false };
  const store = new Proxy(memory, {
    get(target, name) {
      if (name === 'write')
        return async (...args: Parameters<MemoryStore['write']>) => {
          seen.batches++;
          if (seen.fails) throw rejection;
          if (seen.hangs) await new Promise(() => {});
          return target.write(...args);
        };
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
  return { clock, lines, seen, memory, path: new WritePath({ store, clock, logger, node: 'here' }) };
}

const insertOf = (key: InsertItem['key']): InsertItem => ({
  kind: 'insert',
  key,
  writeId: 'of a client',
  status: 'submitted',
  owner: null,
  dueInMs: 0,
  attention: false,
  state: new Uint8Array([1]),
  pattern: 'saga',
  group: '',
  definition: new Uint8Array([1]),
});

describe('the write path of a node', () => {
  it('is probed before its first use, and not again while batches are written (W2)', async () => {
    const { path, seen, clock } = setUp();
    await Promise.all([path.assertWritable(), path.assertWritable()]);
    expect(seen.batches).toBe(1);
    for (let n = 0; n < 10; n++) {
      await clock.advance(30_000);
      path.succeeded();
      await path.assertWritable();
    }
    expect(seen.batches).toBe(1);
    await clock.advance(60_001);
    await path.assertWritable();
    expect(seen.batches).toBe(2);
  });

  it('fails from a rejected batch until a batch or a probe is written (W1)', async () => {
    const { path, seen } = setUp();
    path.succeeded();
    seen.fails = true;
    path.failed(rejection, 3);
    await expect(path.assertWritable()).rejects.toBe(rejection);
    seen.fails = false;
    await path.assertWritable();
    path.failed(rejection, 3);
    path.succeeded();
    const before = seen.batches;
    await path.assertWritable();
    expect(seen.batches).toBe(before);
  });

  it('fails, with the reason, when a batch receives no response for five seconds, and works again after a write', async () => {
    const { path, seen, clock } = setUp();
    path.succeeded();
    path.started();
    await clock.advance(4_999);
    await path.assertWritable();
    seen.hangs = true;
    await clock.advance(1);
    const refused = expect(path.assertWritable()).rejects.toThrow('has not responded to a write for 6500 ms');
    await clock.advance(1_500);
    await refused;
    path.succeeded();
    await path.assertWritable();
  });

  it('fails while batches stay without a known outcome, and works again when a probe is written', async () => {
    const { path, seen, clock } = setUp();
    const lost = new StoreError('outcome_unknown', 'connection lost');
    path.succeeded();
    seen.fails = true;
    for (let n = 0; n < 5; n++) {
      path.started();
      await clock.advance(1_000);
      path.failed(lost, 1);
      await expect(path.assertWritable()).rejects.toBe(rejection);
    }
    seen.fails = false;
    path.started();
    await clock.advance(5_000);
    await path.assertWritable();
  });

  it('does not fail for a batch that is rejected because of its contents', async () => {
    const { path, seen, clock } = setUp();
    path.succeeded();
    path.started();
    await clock.advance(100);
    path.rejected();
    await clock.advance(10_000);
    await path.assertWritable();
    expect(seen.batches).toBe(0);
  });

  it('is probed without a change to any transaction, whatever its gid', async () => {
    const { path, memory } = setUp();
    const batches: (readonly WriteItem[])[] = [];
    const write = memory.write.bind(memory);
    memory.write = async (batch) => {
      batches.push(batch);
      return write(batch);
    };
    await path.assertWritable();
    const [key] = batches.flat().map((item) => item.key);
    if (key === undefined) throw new Error('nothing was written');
    const item = insertOf(key);
    await write([item]);
    path.failed(rejection, 1);
    await path.assertWritable();
    expect(batches).toHaveLength(2);
    expect((await memory.get([key]))[0]).toMatchObject({ version: 1, writeId: item.writeId, dueAtMs: 0 });
  });

  it('logs rejected batches with their cause once in ten seconds, and their end once (W3)', async () => {
    const { path, lines, clock } = setUp();
    for (let n = 0; n < 100; n++) {
      path.failed(rejection, 5);
      await clock.advance(200);
    }
    const about = lines.filter(({ message }) => message === 'the store does not accept batches');
    expect(about).toMatchObject([
      { fields: { error: 'permission denied', transactions: 5, batches: 1 } },
      { fields: { batches: 50 } },
    ]);
    path.succeeded();
    path.succeeded();
    expect(lines.filter(({ message }) => message === 'the store accepts batches again')).toHaveLength(1);
  });
});
