import { expect, it } from 'vitest';
import { StoreError, type WriteOutcome } from '../../src/store/store.ts';
import { RejectedRecords, type WritableBatch } from '../../src/store-kit/index.ts';

interface Item {
  readonly id: string;
  readonly at: number;
}

/** A server that rejects some records, and the writes that it received. */
class Server {
  readonly writes: string[] = [];
  readonly rejects = new Set<string>();
  isAway = false;
  readonly #records = new RejectedRecords<Item>(({ id }) => id);

  async write(ids: string): Promise<string> {
    const outcomes: (WriteOutcome | undefined)[] = ids.split('').map(() => undefined);
    const batch: WritableBatch<Item> = {
      outcomes,
      writeAll: (items) => {
        this.writes.push(items.map(({ id }) => id).join(''));
        if (this.isAway) return Promise.reject(new Error('away'));
        if (items.some(({ id }) => this.rejects.has(id)))
          return Promise.reject(new StoreError('unavailable', 'rejected'));
        for (const { at } of items) outcomes[at] = { kind: 'missing' };
        return Promise.resolve();
      },
      isOfOneRecord: (thrown): thrown is StoreError => thrown instanceof StoreError,
      inDoubt: () => new Error('in doubt'),
    };
    await this.#records.write(
      ids.split('').map((id, at) => ({ id, at })),
      batch,
    );
    return outcomes.map((outcome) => (outcome?.kind === 'blocked' ? 'B' : '.')).join('');
  }
}

it('a record that the server rejects is left out of its batch, and is written alone from then on', async () => {
  const server = new Server();
  server.rejects.add('b');
  expect(await server.write('abc')).toBe('.B.');
  expect(await server.write('abd')).toBe('.B.');
  expect(server.writes).toEqual(['abc', 'a', 'b', 'c', 'ad', 'b']);
});

it('a record that the server accepts again is written with the others', async () => {
  const server = new Server();
  server.rejects.add('b');
  await server.write('ab');
  server.rejects.clear();
  server.writes.length = 0;
  expect(await server.write('ab')).toBe('..');
  expect(await server.write('ab')).toBe('..');
  expect(server.writes).toEqual(['a', 'b', 'ab']);
});

it('a server that rejects every record of a batch fails the batch', async () => {
  const server = new Server();
  for (const id of 'ab') server.rejects.add(id);
  await expect(server.write('ab')).rejects.toThrow('rejected');
});

it('any other error fails the batch: in doubt if items before it may have been applied', async () => {
  const server = new Server();
  server.isAway = true;
  await expect(server.write('ab')).rejects.toThrow('away');
  server.isAway = false;
  server.rejects.add('b');
  await server.write('ab');
  const before = server.writes.length;
  const writing = server.write('ab');
  server.isAway = true;
  await expect(writing).rejects.toThrow('in doubt');
  expect(server.writes.slice(before)).toEqual(['a', 'b']);
});
