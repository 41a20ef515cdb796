import type { Store, WriteItem } from '@holdfast/core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWith } from '../../../tools/src/describe-with.ts';
import { mixedBatchCases, kindsOf } from '../../conformance/test/support/mixed-batch-cases.ts';
import { insertOf, updateOf } from '../../conformance/test/support/items.ts';
import { createMysqlStore } from '../src/index.ts';
import { newPrefix, useServer } from './server.ts';

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
    for (const expectVersion of [-1, 0])
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
});
