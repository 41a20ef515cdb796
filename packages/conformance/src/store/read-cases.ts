import assert from 'node:assert/strict';
import type { Cases } from './harness.ts';
import { applied, insertOf, keyOf, openSession, updateOf, writeOne } from './items.ts';

/** Rounds in which a stale read has the opportunity to occur. */
const ROUNDS = 25;

/** S9: what a read guarantees about writes that returned before it began, on any node. */
export function readCases({ it }: Cases): void {
  it('S9: reads a record and its version on every node as the last write that returned left it', async (fixture) => {
    const nodes = [fixture.store, await fixture.secondNode()] as const;
    await writeOne(nodes[0], insertOf('a', { owner: 'session 1' }));
    for (let version = 1; version <= ROUNDS; version++) {
      const writer = nodes[version % 2] ?? nodes[0];
      assert.deepEqual(await writeOne(writer, updateOf('a', version, { owner: 'session 1' })), applied(version + 1));
      for (const node of nodes) {
        const [record] = await node.get([keyOf('a')]);
        assert.equal(record?.version, version + 1);
        assert.deepEqual(await node.versions([keyOf('a')]), [version + 1]);
      }
    }
  });

  it('S9: reads on every node the owner that the last claim gave', async (fixture) => {
    const nodes = [fixture.store, await fixture.secondNode()] as const;
    await openSession(nodes[0], 'session 1');
    await writeOne(nodes[0], insertOf('a', { dueInMs: 0 }));
    for (let round = 0; round < ROUNDS; round++) {
      const { claimed } = await nodes[0].claimDue({ session: 'session 1', limit: 1, groups: [] });
      const version = claimed[0]?.version ?? 0;
      const [record] = await nodes[1].get([keyOf('a')]);
      assert.deepEqual([record?.owner, record?.version], ['session 1', version]);
      await writeOne(nodes[1], updateOf('a', version, { owner: null, dueInMs: 0 }));
    }
  });

  it('S9: reads a key-value on every node as the last write that returned left it', async (fixture) => {
    const nodes = [fixture.store, await fixture.secondNode()] as const;
    const id = { namespace: 'default', category: 'topics', key: 'paid' };
    for (let version = 0; version < ROUNDS; version++) {
      const writer = nodes[version % 2] ?? nodes[0];
      assert.equal(await writer.kvPut(id, `value ${version}`, version), 'applied');
      for (const node of nodes) assert.equal((await node.kvGet(id))?.value, `value ${version}`);
    }
  });
}
