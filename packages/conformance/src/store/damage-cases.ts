import assert from 'node:assert/strict';
import { transactionOf } from '@holdfast/core/engine';
import type { Store } from '@holdfast/core/store';
import { HoldfastError } from '@holdfast/protocol';
import { damagesOf } from './damage.ts';
import { withEngine } from './engine.ts';
import type { Cases, Fixture } from './harness.ts';
import { appendOf, insertOf, keyOf, openSession, updateOf, writeAll } from './items.ts';

const ALL = ['a', 'b', 'c'];
const OTHERS = ['a', 'c'];
const CONTEXT = { principal: { id: 'suite', roles: [] }, namespace: 'default' };

/**
 * A record that something other than Holdfast changed does not affect other records, and an
 * operator can force-stop it.
 */
export function damageCases({ describe, it, manifest }: Cases): void {
  for (const damage of damagesOf(manifest))
    describe(`a record with ${damage.name}`, () => {
      /** Writes `a`, `b` and `c`, each with an entry, and damages `b`. */
      async function damaged(
        { store, damage: change }: Fixture,
        settings: Parameters<typeof insertOf>[1],
      ): Promise<Store> {
        await writeAll(
          store,
          ALL.map((gid) => insertOf(gid, { ...settings, status: 'prepared' })),
        );
        await writeAll(
          store,
          ALL.map((gid) => appendOf(gid, ['entry'])),
        );
        if (settings?.status !== undefined) await finishAll(store);
        const after = await change('b', damage);
        await openSession(after, 'living');
        return after;
      }

      it('keeps no other from being claimed, one by one', async (fixture) => {
        const store = await damaged(fixture, { dueInMs: -1 });
        assert.deepEqual(without(await claimAll(store), 'b'), OTHERS);
      });

      it('keeps no other from being taken over', async (fixture) => {
        const store = await damaged(fixture, { owner: 'gone', dueInMs: null });
        await store.takeOver({ silenceMs: 1_000_000, keep: 'living', limit: 10 });
        assert.deepEqual(without(await claimAll(store), 'b'), OTHERS);
      });

      it('keeps no other from being made due, one at a time', async (fixture) => {
        const store = await damaged(fixture, { dueInMs: 60_000 });
        for (let time = 0; time < 4; time++)
          await store.makeDue({ namespace: 'default', laterThanMs: 1_000, limit: 1 });
        assert.deepEqual(without(await claimAll(store), 'b'), OTHERS);
      });

      it('keeps no other from being purged', async (fixture) => {
        const store = await damaged(fixture, { status: 'succeed', dueInMs: null });
        for (let time = 0; time < 4; time++) await store.purge({ olderThanMs: -1, limit: 1 });
        assert.deepEqual(await store.get(OTHERS.map((gid) => keyOf(gid))), [undefined, undefined]);
      });

      it('keeps no other from being read, listed, counted and written', async (fixture) => {
        const store = await damaged(fixture, { dueInMs: 60_000 });
        const found = await store.get(ALL.map((gid) => keyOf(gid)));
        assert.deepEqual(
          found.map((record) => record?.key.gid),
          ALL,
        );
        for (const summary of [false, true]) {
          const { items } = await store.list({ namespace: 'default', limit: 10, summary });
          assert.deepEqual(items.map(({ key }) => key.gid).toSorted(), ALL);
        }
        const { items } = await store.list({ namespace: 'default', status: 'prepared', limit: 10 });
        assert.deepEqual(without(gidsOf(items), 'b'), OTHERS);
        assert.equal((await store.count('default')).byStatus.prepared, 3);
        assert.equal((await store.versions(OTHERS.map((gid) => keyOf(gid)))).length, 2);
        await writeAll(
          store,
          OTHERS.map((gid) => appendOf(gid, ['another'])),
        );
      });

      it('is shown, rejects retry and abort with its reason, and can be force-stopped', async ({
        store,
        damage: change,
      }) => {
        await withEngine(store, async (engine) => {
          for (const gid of ['b', 'c']) {
            await engine.prepare(CONTEXT, { gid, pattern: 'tcc', protocol: 'http', steps: [], payloads: [] });
            await engine.registerBranch(CONTEXT, { gid, pattern: 'tcc', branches: [BRANCH] });
          }
        });
        const after = await change('b', damage);
        const [record] = await after.get([keyOf('b')]);
        assert.ok(record);
        assert.throws(() => transactionOf(record), 'the damage changes nothing that is read');
        await withEngine(after, async (engine) => {
          assert.match((await engine.get(CONTEXT, 'b'))?.state.parked ?? '', /cannot be read/);
          assert.equal((await engine.list(CONTEXT, { limit: 10 })).items.length, 2);
          await assertRefused(() => engine.retryNow(CONTEXT, 'b'));
          await assertRefused(() => engine.abort(CONTEXT, { gid: 'b', pattern: 'tcc', reason: 'enough' }));
          const stopped = await engine.forceStop(CONTEXT, { gid: 'b', reason: 'by hand' });
          assert.deepEqual([stopped.status, stopped.branches], ['failed', []]);
          const shown = await engine.get(CONTEXT, 'b');
          assert.deepEqual([shown?.status, shown?.attention, shown?.dueAtMs], ['failed', false, null]);
          assert.equal((await engine.list(CONTEXT, { attention: true, limit: 10 })).items.length, 0);
          assert.equal((await engine.counts(CONTEXT)).attention, 0);
          await assert.rejects(engine.forceStop(CONTEXT, { gid: 'b', reason: 'again' }), refusedWith(/stop/));
          assert.equal((await engine.abort(CONTEXT, { gid: 'c', pattern: 'tcc', reason: '' })).status, 'aborting');
        });
        assert.deepEqual(without(await claimAll(after), 'c'), []);
      });
    });
}

const BRANCH = {
  branchId: '01',
  op: 'cancel',
  url: 'http://127.0.0.1:9/',
  payload: new Uint8Array(1),
  status: 'prepared',
} as const;

const refusedWith =
  (message: RegExp) =>
  (error: unknown): boolean =>
    error instanceof HoldfastError && error.code === 'refused' && message.test(error.message);

const assertRefused = (command: () => Promise<unknown>): Promise<void> =>
  assert.rejects(command, refusedWith(/the record of b cannot be read: .+\. It was not changed\. .*force-stop/));

async function finishAll(store: Store): Promise<void> {
  await writeAll(
    store,
    ALL.map((gid) => updateOf(gid, 2, { status: 'succeed', dueInMs: null })),
  );
}

const gidsOf = (records: readonly { readonly key: { readonly gid: string } }[]): string[] =>
  records.map(({ key }) => key.gid).toSorted();

const without = (gids: readonly string[], left: string): string[] => gids.filter((gid) => gid !== left).toSorted();

/** Claims one at a time until nothing is claimed. */
async function claimAll(store: Store): Promise<string[]> {
  const gids: string[] = [];
  for (let time = 0; time < 5; time++) {
    const { claimed } = await store.claimDue({ session: 'living', limit: 1, groups: [] });
    gids.push(...gidsOf(claimed));
  }
  return gids;
}
