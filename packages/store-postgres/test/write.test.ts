import { type InsertItem, StoreError } from '@holdfast/core/store';
import { DEFAULT_NAMESPACE } from '@holdfast/protocol';
import { describe, expect, it } from 'vitest';
import type { Connection, Statement } from '../src/connection.ts';
import { EXAMINE, LOCKED, WRITE } from '../src/statements/index.ts';
import type { StoreClock } from '../src/store-clock.ts';
import { Writer } from '../src/write.ts';

const NO_BODY = new Uint8Array();

const insertOf = (gid: string): InsertItem => ({
  kind: 'insert',
  key: { namespace: DEFAULT_NAMESPACE, gid },
  writeId: gid,
  pattern: 'saga',
  status: 'submitted',
  group: '',
  owner: null,
  dueInMs: 0,
  attention: false,
  definition: NO_BODY,
  state: NO_BODY,
});

const clock = { parameters: () => [0, null], seen: (ms: number) => ms } as unknown as StoreClock;

/** A connection that returns the given results, one per statement. */
function connectionOf(results: readonly [Statement, unknown][]): Connection {
  const left = [...results];
  return {
    query: (statement: Statement) => {
      const [expected, result] = left.shift() ?? [];
      if (statement !== expected) return Promise.reject(new Error(`unexpected: ${statement.name}`));
      return result instanceof Error ? Promise.reject(result) : Promise.resolve(result);
    },
  } as unknown as Connection;
}

describe('a batch of which a part is written', () => {
  it('has an unknown outcome when the connection is lost during the search for the locked rest', async () => {
    const lockTimeout = Object.assign(new Error('lock timeout'), { code: '55P03', severity: 'ERROR' });
    const written = { now: 1, namespaces: [DEFAULT_NAMESPACE], gids: ['a'], items: null };
    const connection = connectionOf([
      [WRITE, [written, written]],
      // The record that was in the way of `b` has been removed since: `b` is sent again.
      [EXAMINE, []],
      [WRITE, new StoreError('unavailable', 'PostgreSQL rejected a statement', lockTimeout)],
      [LOCKED, new StoreError('unavailable', 'PostgreSQL was lost')],
    ]);
    await expect(new Writer(connection, clock).write([insertOf('a'), insertOf('b')])).rejects.toMatchObject({
      code: 'outcome_unknown',
    });
  });
});
