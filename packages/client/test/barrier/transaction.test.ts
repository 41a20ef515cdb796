import { expect, it } from 'vitest';
import { inTransaction, type PooledConnection } from '../../src/barrier/transaction.ts';

type Step = 'begin' | 'work' | 'commit' | 'rollback';

/**
 * Runs a transaction in which the given steps fail. Resolves to the completed steps, the thrown
 * error, and whether the connection was returned to the pool.
 */
async function runWith(...failing: readonly Step[]) {
  const done: string[] = [];
  const step = (name: Step) => async () => {
    done.push(name);
    if (failing.includes(name)) throw new Error(name);
  };
  const connection: PooledConnection<undefined> = {
    tx: undefined,
    begin: step('begin'),
    commit: step('commit'),
    rollback: step('rollback'),
    release: (reusable) => void done.push(reusable ? 'reused' : 'closed'),
  };
  const thrown = await inTransaction(connection, step('work')).catch((error: Error) => error.message);
  return { done, thrown };
}

it('commits the work and returns the connection to the pool', async () => {
  expect(await runWith()).toEqual({ done: ['begin', 'work', 'commit', 'reused'], thrown: undefined });
});

it('rolls back work that throws, and returns the connection to the pool', async () => {
  expect(await runWith('work')).toEqual({ done: ['begin', 'work', 'rollback', 'reused'], thrown: 'work' });
});

it('closes a connection whose transaction may still be open', async () => {
  expect(await runWith('work', 'rollback')).toEqual({ done: ['begin', 'work', 'rollback', 'closed'], thrown: 'work' });
  expect(await runWith('commit')).toEqual({ done: ['begin', 'work', 'commit', 'closed'], thrown: 'commit' });
  expect(await runWith('begin')).toEqual({ done: ['begin', 'closed'], thrown: 'begin' });
});
