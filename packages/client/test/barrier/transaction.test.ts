import { expect, it } from 'vitest';
import { inTransaction, type PooledConnection } from '../../src/barrier/transaction.ts';

type Step = 'begin' | 'work' | 'commit' | 'rollback';

/**
 * Runs a transaction of which these steps fail; tells what was done, what was thrown, and whether
 * the connection went back to the pool.
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

it('commits the work and gives the connection back', async () => {
  expect(await runWith()).toEqual({ done: ['begin', 'work', 'commit', 'reused'], thrown: undefined });
});

it('rolls work back that throws, and gives the connection back', async () => {
  expect(await runWith('work')).toEqual({ done: ['begin', 'work', 'rollback', 'reused'], thrown: 'work' });
});

it('closes a connection whose transaction may not be over', async () => {
  expect(await runWith('work', 'rollback')).toEqual({ done: ['begin', 'work', 'rollback', 'closed'], thrown: 'work' });
  expect(await runWith('commit')).toEqual({ done: ['begin', 'work', 'commit', 'closed'], thrown: 'commit' });
  expect(await runWith('begin')).toEqual({ done: ['begin', 'closed'], thrown: 'begin' });
});
