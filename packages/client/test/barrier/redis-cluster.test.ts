import { type DatabaseServer, startRedis } from '@holdfast/testing/servers';
import { Cluster, Redis } from 'ioredis';
import { createCluster } from 'redis';
import { afterAll, beforeAll, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { describeWith } from '@holdfast/testing/describe-with';
import type { Barrier, BranchKey } from '../../src/barrier/barrier.ts';
import type { RedisTx } from '../../src/barrier/redis-tx.ts';
import { redisBarrier as ioredisBarrier } from '../../src/ioredis.ts';
import { redisBarrier as nodeRedisBarrier } from '../../src/redis.ts';

const CALL: BranchKey = { gid: 'g', transType: 'saga', branchId: '01', op: 'action' };

/** A single node with all slots: it rejects keys of different slots, as any cluster does. */
describeWith(['redis-server'], 'the Redis barrier in a cluster', () => {
  let server: DatabaseServer | undefined;
  let look: Redis;
  beforeAll(async () => {
    server = await startRedis({ settings: ['--cluster-enabled', 'yes', '--cluster-announce-ip', '127.0.0.1'] });
    look = new Redis(server?.url ?? '');
    await look.cluster('ADDSLOTSRANGE', 0, 16_383);
    await vi.waitFor(async () => expect(await look.cluster('INFO')).toContain('cluster_state:ok'), 10_000);
  });
  afterAll(async () => {
    look.disconnect();
    await server?.stop();
  });
  beforeEach(async () => {
    await look.flushall();
    await look.set('{bank}:acc', 100);
  });

  async function takenTwice(barrier: Barrier<RedisTx>) {
    const take = (tx: RedisTx) => tx.call('DECRBY', '{bank}:acc', 30);
    const outcomes = [await barrier.run({ ...CALL }, take), await barrier.run({ ...CALL }, take)];
    return [outcomes.map((outcome) => outcome.ran), await barrier.checkBack('m'), await look.get('{bank}:acc')];
  }
  const ONCE = [[true, false], 'refused', '70'];

  it('works with the hash tag of the business keys, over ioredis', async () => {
    const cluster = new Cluster([server?.url ?? '']);
    onTestFinished(() => cluster.disconnect());
    expect(await takenTwice(ioredisBarrier(cluster, { keyPrefix: '{bank}:' }))).toEqual(ONCE);
  });

  it('works with the hash tag of the business keys, over redis', async () => {
    const cluster = await createCluster({ rootNodes: [{ url: server?.url ?? '' }] }).connect();
    onTestFinished(() => cluster.destroy());
    expect(await takenTwice(nodeRedisBarrier(cluster, { keyPrefix: '{bank}:' }))).toEqual(ONCE);
  });

  it('changes nothing when the keys are in different slots', async () => {
    const cluster = new Cluster([server?.url ?? '']);
    onTestFinished(() => cluster.disconnect());
    const run = ioredisBarrier(cluster).run(CALL, (tx) => tx.call('DECRBY', '{bank}:acc', 30));
    await expect(run).rejects.toThrow('slot');
    expect(await look.keys('*')).toEqual(['{bank}:acc']);
  });
});
