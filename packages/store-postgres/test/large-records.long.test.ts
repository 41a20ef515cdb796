import { expect, it } from 'vitest';
import { describeWith } from '@holdfast/testing/describe-with';
import { appendOf, insertOf, updateOf } from '@holdfast/testing/store-cases';
import { withStoreAt } from '@holdfast/testing/store-cases';
import { createPostgresStore, type PostgresStoreOptions } from '../src/index.ts';
import { newSchema, useServer } from '@holdfast/testing/postgres';

const BODIES = 140;
const BODY_BYTES = 2 * 1024 * 1024;
const INFO = { node: 'node', version: '1' };
const SLOW_MS = 120_000;

describeWith(['postgres'], 'records that are hard to read', () => {
  const { url, run } = useServer();
  const withStore = withStoreAt<PostgresStoreOptions>(newSchema, (schema, options) =>
    createPostgresStore({ url: url(), schema, ...options }),
  );

  it(
    'a record with more bytes of entries than a text of Node or a value of PostgreSQL holds is claimed, read and written',
    async () => {
      await withStore(async (store, schema) => {
        await store.openSession('s', INFO);
        await store.write([insertOf('large', { dueInMs: -2 }), insertOf('other', { dueInMs: -1 })]);
        await run(`set search_path to ${schema};
          insert into entries (namespace, gid, key, position, body)
            select 'default', 'large', 'e' || i, i, decode(repeat('5c', ${BODY_BYTES}), 'hex') from generate_series(1, ${BODIES}) i;
          update transactions set entry_count = ${BODIES} where gid = 'large'`);
        const first = await store.claimDue({ session: 's', limit: 10, groups: [] });
        expect(first.claimed.map(({ key }) => key.gid)).toEqual(['large']);
        const second = await store.claimDue({ session: 's', limit: 10, groups: [] });
        expect(second.claimed.map(({ key }) => key.gid)).toEqual(['other']);
        const entries = first.claimed[0]?.entries ?? [];
        expect(entries.map(({ key }) => key)).toEqual(Array.from({ length: BODIES }, (_, i) => `e${i + 1}`));
        const expected = Buffer.alloc(BODY_BYTES, 0x5c);
        expect(entries.every(({ body }) => expected.equals(body))).toBe(true);
        const repeated = Array.from({ length: BODIES }, (_, i) => ({ key: `e${i + 1}`, body: Buffer.from('again') }));
        const [outcome] = await store.write([{ ...appendOf('large', ''), entries: repeated }]);
        expect(outcome).toMatchObject({ kind: 'applied', version: 2 });
        const existing = outcome?.kind === 'applied' ? outcome.existing : [];
        expect(existing.map(({ body }) => body.length)).toEqual(Array(BODIES).fill(BODY_BYTES));
        expect(await store.write([updateOf('large', { expectVersion: 2 })])).toMatchObject([
          { kind: 'applied', version: 3 },
        ]);
      });
    },
    SLOW_MS,
  );

  it('a record whose bodies the server cannot read is returned as unreadable, and the others are claimed and read', async () => {
    await withStore(async (store, schema) => {
      await store.openSession('s', INFO);
      const gids = ['a', 'b', 'c', 'd', 'e'];
      await store.write(gids.map((gid, i) => insertOf(gid, { dueInMs: -9 + i })));
      await store.write(gids.map((gid) => appendOf(gid, 'entry')));
      // What a damaged page of a long value does: its length is stored elsewhere, and can still be
      // read.
      await run(`set search_path to ${schema};
        alter table entries rename to stored;
        create function damaged(gid text) returns bytea stable language plpgsql as
          $$ begin
            if current_query() like '%octet_length%' then return 'length'; end if;
            raise exception 'missing chunk number 0 for toast value 4711' using errcode = 'XX001';
          end $$;
        create view entries as select namespace, gid, key, position,
          case when gid = 'b' then ${schema}.damaged(gid) else body end as body from stored`);
      const keys = gids.map((gid) => ({ namespace: 'default', gid }));
      const read = await store.get(keys);
      expect(read.map((record) => record?.unreadable?.includes('missing chunk number'))).toEqual([
        undefined,
        true,
        undefined,
        undefined,
        undefined,
      ]);
      expect(read.map((record) => record?.entries.length)).toEqual([1, 0, 1, 1, 1]);
      const { claimed } = await store.claimDue({ session: 's', limit: 10, groups: [] });
      expect(claimed.map(({ key }) => key.gid)).toEqual(gids);
      expect(claimed.map(({ withoutBodies }) => withoutBodies)).toEqual([
        undefined,
        true,
        undefined,
        undefined,
        undefined,
      ]);
    });
  });
});
