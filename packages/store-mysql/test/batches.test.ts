import type { Store, WriteItem } from '@holdfast/core';
import { STATUSES } from '@holdfast/protocol';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWith } from '../../../tools/src/describe-with.ts';
import { appendOf, insertOf, updateOf } from '../../conformance/test/support/items.ts';
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

  const kinds = async (items: readonly WriteItem[]) => (await store.write(items)).map(({ kind }) => kind);

  it('each item keeps what is its own, however many share nothing with another', async () => {
    const items = Array.from({ length: 60 }, (_, i) =>
      insertOf(`own-${i}`, {
        key: { namespace: `space-${i % 20}`, gid: `own-${i}` },
        status: STATUSES[i % STATUSES.length] ?? 'submitted',
        owner: i % 3 === 0 ? `session-${i}` : null,
        dueInMs: null,
        attention: i % 2 === 0,
        group: i % 4 === 0 ? '' : `group-${i % 4}`,
        pattern: i % 5 === 0 ? 'msg' : 'saga',
        definition: Buffer.from(`definition ${i}`),
        state: Buffer.from(`state ${i}`),
      }),
    );
    expect(new Set(await kinds(items))).toEqual(new Set(['applied']));
    const found = await store.get(items.map(({ key }) => key));
    for (const [i, item] of items.entries()) {
      const final = item.status === 'succeed' || item.status === 'failed';
      const { key, status, attention, group, pattern, writeId } = item;
      expect(found[i]).toMatchObject({
        key,
        status,
        attention,
        group,
        pattern,
        writeId,
        owner: final ? null : item.owner,
      });
      expect(Buffer.from(found[i]?.definition ?? []).toString()).toBe(`definition ${i}`);
      expect(Buffer.from(found[i]?.state ?? []).toString()).toBe(`state ${i}`);
    }
  });

  it('those that are refused are told from those that are applied, in any mixture', async () => {
    await store.write([insertOf('there'), insertOf('mine'), insertOf('changed'), insertOf('fresh'), insertOf('open')]);
    await store.write([updateOf('changed', { writeId: 'of another' })]);
    const mixed = [
      insertOf('new'),
      insertOf('there', { writeId: 'of another' }),
      updateOf('mine'),
      updateOf('changed'),
      updateOf('nowhere'),
    ];
    expect(await kinds(mixed)).toEqual(['applied', 'conflict', 'applied', 'conflict', 'missing']);
    const withAppends = [...mixed, appendOf('open', 'entry'), appendOf('nobody', 'entry'), updateOf('fresh')];
    expect(await kinds(withAppends)).toEqual([
      // What was applied before finds itself.
      ...['applied', 'conflict', 'applied', 'conflict', 'missing'],
      ...['applied', 'missing', 'applied'],
    ]);
  });

  it.each([
    ['inserts', [insertOf('there', { writeId: 'x' })], ['conflict']],
    ['updates', [updateOf('nowhere')], ['missing']],
    ['appends', [appendOf('nowhere', 'entry')], ['missing']],
  ] as const)('when none of the %s is applied, none is taken for applied', async (_, items, outcomes) => {
    expect(await kinds(items)).toEqual(outcomes);
  });

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
