import { DEFAULT_NAMESPACE } from '@holdfast/protocol';
import { describe, expect, it } from 'vitest';
import type { Connection } from '../src/connection.ts';
import { heldKeys } from '../src/held-keys.ts';

const keysOf = (count: number) =>
  Array.from({ length: count }, (_, at) => ({ namespace: DEFAULT_NAMESPACE, gid: `g${at}` }));

/**
 * A database in which inserts of these gids wait; `waitedMs`: how long they have waited together.
 */
class Held {
  waitedMs = 0;
  probes = 0;
  readonly #gids: ReadonlySet<string>;
  #timeoutMs = 0;

  constructor(gids: readonly string[]) {
    this.#gids = new Set(gids);
  }

  readonly connection = {
    alone: (body: (client: unknown) => unknown) => body({ query: this.#query }),
  } as unknown as Connection;

  readonly #query = (statement: string, values?: readonly unknown[]): Promise<void> => {
    this.#timeoutMs = Number(/lock_timeout to (\d+)/.exec(statement)?.[1] ?? this.#timeoutMs);
    if (values === undefined) return Promise.resolve();
    this.probes++;
    const text = Buffer.isBuffer(values[1]) ? values[1].toString() : String(values[1]);
    const found = [...text.matchAll(/g\d+/g)].some(([gid]) => this.#gids.has(gid));
    if (!found) return Promise.resolve();
    this.waitedMs += this.#timeoutMs;
    return Promise.reject(Object.assign(new Error('lock timeout'), { code: '55P03', severity: 'ERROR' }));
  };
}

describe('the search for keys that other clients hold', () => {
  it('finds exactly those, with few probes', async () => {
    const held = new Held(['g3', 'g500', 'g999']);
    const found = await heldKeys(held.connection, keysOf(1_000));
    expect(found.map(({ gid }) => gid)).toEqual(['g3', 'g500', 'g999']);
    expect(held.probes).toBeLessThanOrEqual(60);
  });

  it('waits for a second at most when very many are held, and leaves those out that it did not examine', async () => {
    const keys = keysOf(1_000);
    const held = new Held(keys.map(({ gid }) => gid));
    expect(await heldKeys(held.connection, keys)).toEqual(keys);
    expect(held.waitedMs).toBeLessThanOrEqual(1_100);
  });

  it('waits for none when no key is held', async () => {
    const held = new Held([]);
    expect(await heldKeys(held.connection, keysOf(1_000))).toEqual([]);
    expect(held).toMatchObject({ probes: 1, waitedMs: 0 });
  });
});
