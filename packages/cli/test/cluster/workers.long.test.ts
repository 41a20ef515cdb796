import { nodeList } from '@holdfast/protocol';
import { createPostgresStore } from '@holdfast/store-postgres';
import { expect, it } from 'vitest';
import { describeWith } from '@holdfast/testing/describe-with';
import { Participants } from '@holdfast/testing/participants';
import { useDatabase } from './support/database.ts';
import { Coordinator, until } from './support/process.ts';

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describeWith(['postgres'], 'holdfast serve --workers', () => {
  const { newStore } = useDatabase();

  const nodesOf = async (coordinator: Coordinator) =>
    nodeList.parse((await coordinator.get('/api/v1/nodes')).json).items.toSorted((a, b) => (a.node < b.node ? -1 : 1));

  it('serves with all workers on one port, restarts a worker that dies, and stops in an orderly way', async () => {
    await using shop = await Participants.start();
    await using coordinator = await Coordinator.start(newStore(), '--workers', '2', '--node', 'shop');
    expect(coordinator.log.at(-1)).toMatchObject({ msg: `ready: ${coordinator.url}`, workers: 2 });
    expect((await nodesOf(coordinator)).map(({ node }) => node)).toEqual(['shop-1', 'shop-2']);

    const steps = [{ action: shop.url('/ok'), compensate: '' }];
    for (let i = 0; i < 6; i++) {
      const saga = { gid: `g${i}`, trans_type: 'saga', steps, payloads: [''], wait_result: true };
      // Each on a separate connection, so that both workers receive some.
      const { json } = await coordinator.request('POST', '/api/dtmsvr/submit', saga, { connection: 'close' });
      expect(json).toEqual({ dtm_result: 'SUCCESS' });
    }
    // Every worker reports both.
    for (let i = 0; i < 2; i++) {
      const { text } = await coordinator.request('GET', '/api/metrics', undefined, { connection: 'close' });
      expect(text).toContain('holdfast_workers 2\n');
      expect(text).toContain('holdfast_transactions_accepted_total{pattern="saga"} 6\n');
      expect(text).toContain('holdfast_transaction_seconds_count{pattern="saga"} 6\n');
      expect(text).toContain('holdfast_stored_transactions{status="succeed"} 6\n');
      expect(text).toContain('holdfast_lease_held 1\n');
    }

    const [first] = await nodesOf(coordinator);
    const pids = await workersOf(coordinator);
    process.kill(pids[0] ?? 0, 'SIGKILL');
    const died = await coordinator.logged('a worker crashed; restarting it');
    const back = await coordinator.logged('a restarted worker is ready');
    expect(died).toMatchObject({ pid: pids[0], signal: 'SIGKILL', startsInMs: 100 });
    expect(back['worker']).toBe(died['worker']);
    // The dead one's session ends with its silence; its successor has the same name.
    const again = await until(async () => {
      const nodes = await nodesOf(coordinator);
      return nodes.length === 2 && nodes.every(({ node }) => node.startsWith('shop-')) && nodes;
    });
    expect(again.map(({ node }) => node)).toEqual(['shop-1', 'shop-2']);
    expect(first).toBeDefined();

    const workers = await workersOf(coordinator);
    coordinator.child.kill('SIGTERM');
    expect([await coordinator.ended, coordinator.err]).toEqual([0, '']);
    expect(coordinator.log.at(-1)?.msg).toBe('stopped');
    expect(workers.filter(isAlive)).toEqual([]);
    // Every line of a worker contains the number of the worker.
    const ended = coordinator.log.filter(({ msg }) => msg === 'ended silent sessions');
    for (const line of ended) expect([1, 2]).toContain(line['worker']);
  });

  it('is killed, and its workers still end their sessions: no node has to wait for the silence limit', async () => {
    const url = newStore();
    await using coordinator = await Coordinator.start(url, '--workers', '2');
    const workers = await workersOf(coordinator);
    expect(workers).toHaveLength(2);
    coordinator.child.kill('SIGKILL');
    await until(() => workers.filter(isAlive).length === 0);
    const store = createPostgresStore({ url });
    await store.open();
    expect(await store.sessions()).toEqual([]);
    await store.close();
  });

  it('logs once, in one line, why its workers cannot start', async () => {
    const process = Coordinator.launch({}, 'postgres://user:s3cret@127.0.0.1:1/db', '--workers', '3');
    expect(await process.ended).toBe(1);
    expect(process.err).toMatch(/^holdfast: PostgreSQL at 127\.0\.0\.1:1\/db cannot be used[^\n]*\n$/);
  });
});

/** Process ids of the workers, by the kernel's word. */
async function workersOf({ child }: Coordinator): Promise<readonly number[]> {
  const { readFile } = await import('node:fs/promises');
  const text = await readFile(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8');
  return text.trim().split(' ').map(Number);
}
