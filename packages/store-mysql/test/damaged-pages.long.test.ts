import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describeWith } from '@holdfast/testing/describe-with';
import { insertOf, updateOf } from '@holdfast/testing/store-cases';
import { createMysqlStore } from '../src/index.ts';
import { newPrefix, useServer } from '@holdfast/testing/mysql';

const GIDS = Array.from({ length: 300 }, (_, i) => `g${String(i).padStart(3, '0')}`);
const DAMAGED = 'g150';
/** Records that no page has together with the damaged one. */
const others = GIDS.filter((gid) => gid < 'g110' || gid > 'g190');
const INFO = { node: 'node', version: '1' };
const keyOf = (gid: string) => ({ namespace: 'default', gid });
const markOf = (gid: string): string => `<${gid}>`.repeat(60);

describeWith(['mariadbd'], 'a MariaDB with a damaged page', () => {
  const { url, run, server } = useServer(['--innodb-fast-shutdown=0']);

  /** Overwrites a part of the state of a record in the file of its table. */
  async function damagePage(table: string): Promise<void> {
    await run('shutdown').catch(() => undefined);
    // Removed last of all, when the pages are in the file.
    await expect.poll(() => existsSync(join(server().folder, 'pid')), { timeout: 60_000 }).toBe(false);
    await server().kill();
    const file = join(server().folder, 'data', 'holdfast', `${table}.ibd`);
    const pages = await readFile(file);
    for (let at = pages.indexOf(markOf(DAMAGED)); at >= 0; at = pages.indexOf(markOf(DAMAGED), at + 1))
      pages.fill('!', at + 10, at + 20);
    await writeFile(file, pages);
    await server().start();
  }

  it('the records on it are returned as unreadable, and all others are claimed, read, listed, written, made due, taken over and purged, until an insert meets it: from then on each error describes what to do', async () => {
    const prefix = newPrefix();
    const store = createMysqlStore({ url: url(), prefix });
    await store.open();
    for (let from = 0; from < GIDS.length; from += 100)
      await store.write(
        GIDS.slice(from, from + 100).map((gid) =>
          insertOf(gid, { dueInMs: 3_600_000, state: Buffer.from(markOf(gid)) }),
        ),
      );
    await store.close();
    await damagePage(`${prefix}transactions`);
    await store.open();
    await store.openSession('s', INFO);

    const read = await store.get(GIDS.map(keyOf));
    const damaged = read[GIDS.indexOf(DAMAGED)];
    expect(damaged).toMatchObject({ key: keyOf(DAMAGED), withoutBodies: true });
    expect(damaged?.unreadable).toMatch(/the database cannot read it: .*corrupt/);
    expect(read.filter((record) => record === undefined)).toEqual([]);
    for (const gid of others) expect(Buffer.from(read[GIDS.indexOf(gid)]?.state ?? '').toString()).toBe(markOf(gid));
    const versions = await store.versions(GIDS.map(keyOf));
    expect(others.map((gid) => versions[GIDS.indexOf(gid)])).toEqual(others.map(() => 1));
    expect(versions[GIDS.indexOf(DAMAGED)]).toBe(0);
    for (const summary of [false, true]) {
      const { items } = await store.list({ namespace: 'default', limit: GIDS.length, summary });
      expect(items.map(({ key }) => key.gid).toSorted()).toEqual(GIDS);
    }

    // Not the damaged ones: MariaDB rejects everything about a table once an insert met a damaged
    // page.
    const outcomes = await store.write(['g010', 'g290'].map((gid) => updateOf(gid, { dueInMs: 3_600_000 })));
    expect(outcomes.map(({ kind }) => kind)).toEqual(['applied', 'applied']);

    for (let made = 1; made > 0;)
      made = (await store.makeDue({ namespace: 'default', laterThanMs: 1_000, limit: 100 })).count;
    const claimAll = async (session: string): Promise<string[]> => {
      const claimed: string[] = [];
      for (let more = true; more;) {
        const result = await store.claimDue({ session, limit: 50, groups: [] });
        claimed.push(...result.claimed.map(({ key }) => key.gid));
        more = result.claimed.length > 0;
      }
      return claimed.filter((gid) => others.includes(gid) || gid === DAMAGED).toSorted();
    };
    expect(await claimAll('s')).toEqual(others);
    await store.endSession('s');
    await store.openSession('next', INFO);
    for (let released = 1; released > 0;)
      ({ released } = await store.takeOver({ silenceMs: 60_000, keep: 'next', limit: 100 }));
    expect(await claimAll('next')).toEqual(others);

    const owned = await store.get(others.map(keyOf));
    await store.write(
      owned.map((record, i) =>
        updateOf(others[i] ?? '', {
          writeId: 'end',
          expectVersion: record?.version ?? 0,
          status: 'succeed',
          dueInMs: null,
        }),
      ),
    );
    for (let purged = 1; purged > 0;) purged = await store.purge({ olderThanMs: -1_000, limit: 100 });
    expect((await store.get(others.map(keyOf))).filter((record) => record !== undefined)).toEqual([]);

    // A row that belongs on the damaged page: MariaDB then rejects everything about the table.
    await expect(store.write([insertOf(`${DAMAGED}x`), insertOf('a')])).rejects.toThrow(/corrupt.*; restore the table/);
    await expect(store.write([insertOf('b')])).rejects.toThrow(/; restore the table .*docs\/stores-mysql\.md/);
    await expect(store.claimDue({ session: 'next', limit: 1, groups: [] })).rejects.toThrow(/; restore the table/);
    expect(await store.heartbeat('next')).toMatchObject({ alive: true });
    await store.close();
  }, 240_000);
});
