import type { Store, WriteItem, WriteOutcome } from '@holdfast/core/store';
import { STATUSES } from '@holdfast/protocol';
import { expect, it } from 'vitest';
import { appendOf, insertOf, updateOf } from './items.ts';

/** The outcome of each item of a batch. */
export const kindsOf = async (store: Store, items: readonly WriteItem[]): Promise<WriteOutcome['kind'][]> =>
  (await store.write(items)).map(({ kind }) => kind);

/** What a store that writes a batch with few statements could mix up among its items. */
export function mixedBatchCases(storeOf: () => Store): void {
  const kinds = (items: readonly WriteItem[]) => kindsOf(storeOf(), items);

  it('each item keeps its values, however many different values a batch has', async () => {
    // More different values than a batch searches for one to reuse.
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
    const found = await storeOf().get(items.map(({ key }) => key));
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

  it('rejected and applied items are distinguished in any mixture', async () => {
    const store = storeOf();
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
}
