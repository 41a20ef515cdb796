import { EventEmitter } from 'node:events';
import type { Pool } from 'pg';
import { expect, it } from 'vitest';
import { PgXaDriver } from '../../src/xa-participant/pg-xa-driver.ts';

/**
 * A client whose connection breaks at its query, which `pg` tells to the query and to listeners.
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

it('takes a connection that breaks at a commit for an error of the call, and does not use it again', async () => {
  const client = new BreakingClient();
  const pool = { connect: () => Promise.resolve(client) } as unknown as Pool;
  await expect(new PgXaDriver(pool, {}).end('order-1-01', 'commit')).rejects.toThrow('terminated unexpectedly');
  expect(client.destroyed).toEqual([true]);
  expect(client.listenerCount('error')).toBe(0);
});
