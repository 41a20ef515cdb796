import { expect, it } from 'vitest';
import { SharedReads } from '../../src/engine/shared-reads.ts';
import { MemoryStore } from '../../src/memory-store/memory-store.ts';
import type { StoredTransaction } from '../../src/store/index.ts';
import { Deferred } from '../support/deferred.ts';
import { ManualClock, settle } from '../support/manual-clock.ts';

/** Reads whose results the test provides; `batches` are the gids of each. */
function slowReads(convert: (record: StoredTransaction) => unknown = (record) => record) {
  const batches: (readonly string[])[] = [];
  const results: Deferred<(StoredTransaction | undefined)[]>[] = [];
  const store = new MemoryStore(() => 0);
  store.get = (keys) => {
    batches.push(keys.map(({ gid }) => gid));
    const result = new Deferred<(StoredTransaction | undefined)[]>();
    results.push(result);
    return result.promise;
  };
  const reads = new SharedReads({ store, clock: new ManualClock(), convert });
  const read = (gid: string) => reads.read(gid, { namespace: 'default', gid });
  return { read, batches, results };
}

const recordOf = (version: number) => ({ version }) as StoredTransaction;

it('a read begins after its request: a request during a read receives the next one (SR1)', async () => {
  const { read, batches, results } = slowReads();
  const before = [read('g'), read('g')];
  await settle();
  const during = read('g');
  results[0]?.resolve([recordOf(1)]);
  await settle();
  results[1]?.resolve([recordOf(2)]);
  expect(await Promise.all([...before, during])).toMatchObject([{ version: 1 }, { version: 1 }, { version: 2 }]);
  expect(batches).toEqual([['g'], ['g']]);
});

it('records are read in batches of at most 32, one batch at a time', async () => {
  const { read, batches, results } = slowReads();
  const all = Array.from({ length: 70 }, (_, i) => read(`g${i}`));
  for (const expected of [1, 2, 3]) {
    await settle();
    expect(batches).toHaveLength(expected);
    results.at(-1)?.resolve([]);
  }
  expect(await Promise.all(all)).toEqual(all.map(() => undefined));
  expect(batches.map(({ length }) => length)).toEqual([32, 32, 6]);
});

it('an error concerns the records of its batch, or the record that cannot be converted, alone', async () => {
  const { read, results } = slowReads(({ version }) => {
    if (version === 13) throw new Error('not that one');
    return version;
  });
  const one = [read('a'), read('b')];
  await settle();
  const other = read('c');
  const ended = Promise.allSettled([...one, other]);
  results[0]?.resolve([recordOf(13), recordOf(1)]);
  await settle();
  results[1]?.resolve(Promise.reject(new Error('away')));
  expect(await ended).toMatchObject([
    { reason: { message: 'not that one' } },
    { value: 1 },
    { reason: { message: 'away' } },
  ]);
});
