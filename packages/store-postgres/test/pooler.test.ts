import type { Client } from 'pg';
import { describe, expect, it } from 'vitest';
import { refuseTransactionPooling } from '../src/pooler.ts';

/**
 * The server connections of a pooler, by the process of each; `next` selects the one that a
 * statement or transaction gets.
 */
class Pool {
  readonly #idle: number[];
  /** One more connects after this number of statements. */
  #growsAfter: number;
  readonly #next: 'oldest' | 'latest';

  constructor(connections: number, next: 'oldest' | 'latest', growsAfter = Infinity) {
    this.#idle = Array.from({ length: connections }, (_, i) => 100 + i);
    this.#next = next;
    this.#growsAfter = growsAfter;
  }

  /** A client whose statements go through the pool. */
  client(): Client {
    let ofTransaction: number | undefined;
    const query = async (statement: string) => {
      if (statement === 'begin') ofTransaction = this.#take();
      const pid = ofTransaction ?? this.#take();
      if (statement === 'rollback') ofTransaction = undefined;
      if (ofTransaction === undefined) this.#idle.push(pid);
      if (--this.#growsAfter === 0) this.#idle.push(200);
      return { rows: [{ pid }] };
    };
    return { query, processID: 1 } as unknown as Client;
  }

  #take(): number {
    const pid = this.#next === 'oldest' ? this.#idle.shift() : this.#idle.pop();
    if (pid === undefined) throw new Error('no server connection is idle');
    return pid;
  }
}

describe('a pooler by transaction', () => {
  it.each(['oldest', 'latest'] as const)(
    'is rejected with any number of connections, also if one is added, when the %s idle one is next',
    async (next) => {
      for (let connections = 1; connections <= 8; connections++)
        for (const growsAfter of [1, 2, 3, 4, 5, 6, Infinity]) {
          const pool = new Pool(connections, next, growsAfter);
          const refused = refuseTransactionPooling(pool.client(), pool.client(), 'host');
          await expect(refused, `${connections}, ${growsAfter}`).rejects.toThrow(/pool_mode = session/);
        }
    },
  );
});

it('a pooler by session is accepted', async () => {
  // Other processes than the announced ones, each for as long as its client is connected.
  const client = new Pool(1, 'oldest').client();
  await expect(refuseTransactionPooling(client, ofProcess(200), 'host')).resolves.toBeUndefined();
  await expect(refuseTransactionPooling(ofProcess(200), client, 'host')).resolves.toBeUndefined();
});

const ofProcess = (pid: number): Client =>
  ({ query: async () => ({ rows: [{ pid }] }), processID: 1 }) as unknown as Client;
