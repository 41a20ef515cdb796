import { EventEmitter } from 'node:events';
import type { Pool } from 'pg';
import { expect, it } from 'vitest';
import { PgXaDialect } from '../../src/xa-participant/pg-xa-dialect.ts';

/**
 * A client whose connection breaks during its query; as with `pg`, the query and the listeners both
 * receive the error.
 */
class BreakingClient extends EventEmitter {
  readonly destroyed: boolean[] = [];

  escapeLiteral(text: string): string {
    return `'${text}'`;
  }

  async query(): Promise<never> {
    const error = new Error('Connection terminated unexpectedly');
    await new Promise<void>((resolve) =>
      setImmediate(() => {
        this.emit('error', error);
        resolve();
      }),
    );
    throw error;
  }

  release(destroy: boolean): void {
    this.destroyed.push(destroy);
  }
}

it('reports a connection that breaks at a commit as an error of the call, and does not reuse it', async () => {
  const client = new BreakingClient();
  const pool = { connect: () => Promise.resolve(client) } as unknown as Pool;
  await expect(new PgXaDialect(pool, {}).end('order-1-01', 'commit')).rejects.toThrow('terminated unexpectedly');
  expect(client.destroyed).toEqual([true]);
  expect(client.listenerCount('error')).toBe(0);
});
