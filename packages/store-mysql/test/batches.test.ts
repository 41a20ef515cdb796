import type { Store, WriteItem } from '@holdfast/core/store';
import { STATUSES } from '@holdfast/protocol';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWith } from '@holdfast/testing/describe-with';
import { mixedBatchCases, kindsOf } from '@holdfast/testing/store-cases';
import { insertOf, updateOf } from '@holdfast/testing/store-cases';
import { createMysqlStore } from '../src/index.ts';
import { newPrefix, useServer } from '@holdfast/testing/mysql';

describeWith(['mariadb'], 'batches on a real server', () => {
  const { url, run } = useServer();
  const prefix = newPrefix();
  let store: Store;
  beforeAll(async () => {
    store = createMysqlStore({ url: url(), prefix });
    await store.open();
  });
  afterAll(() => store.close());

  const kinds = (items: readonly WriteItem[]) => kindsOf(store, items);

  mixedBatchCases(() => store);

  it('an update of nothing leaves nothing, neither a row nor a count', async () => {
    const rows = async () => Number((await run(`select count(*) as n from ${prefix}transactions`))[0]?.['n']);
    const before = [await rows(), await store.count()];
    const owned = updateOf('nowhere at all', { owner: 'session', dueInMs: null });
    expect(await kinds([updateOf('nowhere'), owned, updateOf('no', { status: 'failed' })])).toEqual([
      ...['missing', 'missing', 'missing'],
    ]);
    expect([await rows(), await store.count()]).toEqual(before);
  });

  it('versions that no record can have fit none', async () => {
    await store.write([insertOf('of one version')]);
    for (const expectVersion of [0, 2])
      expect(await kinds([updateOf('of one version', { expectVersion }), updateOf('none', { expectVersion })])).toEqual(
        ['conflict', 'missing'],
      );
    expect(await store.versions([insertOf('of one version').key, insertOf('none').key])).toEqual([1, undefined]);
  });

  it('what waits in a group is found there after an update, by its new time', async () => {
    const session = 'of the group';
    await store.openSession(session, { node: 'node', version: '1' });
    await store.write([insertOf('in a group', { group: 'shop', owner: session, dueInMs: null })]);
    await store.write([updateOf('in a group', { dueInMs: -5 })]);
    const { claimed } = await store.claimDue({ session, limit: 1_000, groups: ['shop'] });
    expect(claimed.find(({ key }) => key.gid === 'in a group')).toMatchObject({
      group: 'shop',
      owner: session,
      version: 3,
    });
  });

  it('what another node made of records is counted as it was, whatever this one takes them for', async () => {
    const other = createMysqlStore({ url: url(), prefix });
    await other.open();
    const before = await store.count('of two');
    const of = (gid: string) => ({ key: { namespace: 'of two', gid } });
    const gids = STATUSES.map((status) => `was ${status}`);
    await other.write(STATUSES.map((status) => insertOf('', { ...of(`was ${status}`), status, attention: true })));
    await other.close();
    const updates = gids.map((gid) => updateOf('', { ...of(gid), writeId: gid, status: 'failed' }));
    expect(await kinds([...updates, insertOf('', of('new'))])).toEqual(Array(6).fill('applied'));
    const { byStatus, attention } = await store.count('of two');
    expect(byStatus).toEqual({ ...before.byStatus, submitted: 1, failed: STATUSES.length });
    expect(attention).toBe(0);
  });

  it('is applied whole or not at all while one of its items is rejected, and so are later batches', async () => {
    await store.write([insertOf('refuses')]);
    for (let i = 0; i < 20; i++) {
      const batch = [insertOf('refuses', { writeId: 'x' }), insertOf(`beside-${i}`), updateOf(`absent-${i}`)];
      expect(await kinds(batch)).toEqual(['conflict', 'applied', 'missing']);
    }
    const rows = await run(`select count(*) as n from ${prefix}transactions where id like '%beside-%'`);
    expect(Number(rows[0]?.['n'])).toBe(20);
    const { byStatus } = await store.count();
    const counted = Object.values(byStatus).reduce((sum, count) => sum + count, 0);
    expect(counted).toBe(Number((await run(`select count(*) as n from ${prefix}transactions`))[0]?.['n']));
  });
});
