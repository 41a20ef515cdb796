import { startPgBouncer } from '@holdfast/testing/servers';
import pg from 'pg';
import { describe, expect, it, type MockInstance, onTestFinished, vi } from 'vitest';
import { describeWith } from '@holdfast/testing/describe-with';
import { insertOf, updateOf } from '@holdfast/testing/store-cases';
import { createPostgresStore } from '../src/index.ts';
import { newSchema, useServer } from '@holdfast/testing/postgres';

describeWith(['postgres', 'pgbouncer'], 'settings of the server, of the database and of the role', () => {
  const { url, run } = useServer();

  /** The URL of a role, new each time. */
  let roles = 0;
  async function newRole(): Promise<{ readonly role: string; readonly roleUrl: string }> {
    const role = `role_${++roles}`;
    await run(`create role ${role} login`);
    const roleUrl = new URL(url());
    roleUrl.username = role;
    return { role, roleUrl: roleUrl.href };
  }

  it.each([
    'default_transaction_read_only = on',
    'default_transaction_isolation = serializable',
    'standard_conforming_strings = off',
    'search_path = nowhere',
    'statement_timeout = 1',
    'idle_session_timeout = 1',
    'lock_timeout = 1',
    'idle_in_transaction_session_timeout = 1',
    'bytea_output = escape',
    'array_nulls = off',
    'transform_null_equals = on',
    "datestyle = 'SQL, DMY'",
    'extra_float_digits = -15',
    'client_encoding = latin1',
  ])('do not change what the store does: %s', async (setting) => {
    const { role, roleUrl } = await newRole();
    const schema = newSchema();
    await run(`create schema ${schema} authorization ${role}; alter role ${role} set ${setting}`);
    const store = createPostgresStore({ url: roleUrl, schema });
    await store.open();
    const every = Uint8Array.from({ length: 256 }, (_, i) => i);
    await store.write([insertOf('日本-\\-ü', { definition: every, state: every }), insertOf('b')]);
    expect(await store.write([updateOf('b')])).toMatchObject([{ kind: 'applied' }]);
    const [record] = await store.get([insertOf('日本-\\-ü').key]);
    expect([...(record?.state ?? [])]).toEqual([...every]);
    await store.openSession('s', { node: 'n', version: '1' });
    expect((await store.claimDue({ session: 's', limit: 10, groups: [] })).claimed).toHaveLength(2);
    await store.close();
  });

  it.each(['statement_timeout = 1', 'idle_session_timeout = 1'])(
    'end no connection before the store replaces them, however slow its start: %s',
    async (setting) => {
      const { role, roleUrl } = await newRole();
      const schema = newSchema();
      await run(`create schema ${schema} authorization ${role}; alter role ${role} set ${setting}`);
      startSlowly();
      // `pg` sends what a URL specifies besides.
      const store = createPostgresStore({ url: `${roleUrl}?options=-c%20work_mem%3D1234kB`, schema });
      await store.open();
      expect(await store.write([insertOf('a')])).toMatchObject([{ kind: 'applied' }]);
      await store.close();
    },
  );

  it('are named when they end a connection behind a pooler, which takes no settings at its start', async () => {
    const { role, roleUrl } = await newRole();
    await run(`alter role ${role} set statement_timeout = 1`);
    const pooler = await startPgBouncer(roleUrl, 'session');
    if (pooler === undefined) throw new Error('PgBouncer is not installed');
    startSlowly();
    const store = createPostgresStore({ url: pooler.url, schema: newSchema() });
    await expect(store.open()).rejects.toThrow(/canceling statement/);
    await store.close();
    await pooler.stop();
  });

  it('do not end the connections of an idle node', async () => {
    const { role, roleUrl } = await newRole();
    const schema = newSchema();
    await run(`create schema ${schema} authorization ${role}; alter role ${role} set idle_session_timeout = 500`);
    const store = createPostgresStore({ url: roleUrl, schema });
    await store.open();
    const processes = `select array_agg(pid order by pid) as pids from pg_stat_activity where usename = '${role}'`;
    const before = await run(processes);
    await run('select pg_sleep(1)');
    expect(await run(processes)).toEqual(before);
    await store.close();
  });

  it('that make commits lax are named, and the store is not durable then', async () => {
    const { role, roleUrl } = await newRole();
    const schema = newSchema();
    await run(`create schema ${schema} authorization ${role}; alter role ${role} set synchronous_commit = off`);
    const warnings: string[] = [];
    const store = createPostgresStore({ url: roleUrl, schema, onWarning: (text) => warnings.push(text) });
    await store.open();
    expect(store.capabilities.durable).toBe(false);
    expect(warnings.join()).toContain('synchronous_commit is off');
    await store.close();
  });

  it('a policy that hides rows makes calls fail, and never hides a transaction', async () => {
    const { role, roleUrl } = await newRole();
    const schema = newSchema();
    const owner = createPostgresStore({ url: url(), schema });
    await owner.open();
    await owner.write([insertOf('a')]);
    await owner.close();
    await run(`grant usage on schema ${schema} to ${role}; grant all on all tables in schema ${schema} to ${role};
      alter table ${schema}.transactions enable row level security`);
    const store = createPostgresStore({ url: roleUrl, schema });
    await store.open();
    await expect(store.get([insertOf('a').key])).rejects.toMatchObject({ code: 'unavailable' });
    await store.close();
  });

  describe('privileges', () => {
    it('to change rows are enough when nothing needs creating', async () => {
      const { role, roleUrl } = await newRole();
      const schema = newSchema();
      const owner = createPostgresStore({ url: url(), schema });
      await owner.open();
      await owner.close();
      await run(`grant usage on schema ${schema} to ${role};
        grant select, insert, update, delete on all tables in schema ${schema} to ${role};
        revoke insert, update, delete on ${schema}.schema_version from ${role}`);
      const store = createPostgresStore({ url: roleUrl, schema });
      expect(await store.open()).toEqual({ found: 1, current: 1 });
      expect(await store.write([insertOf('a')])).toMatchObject([{ kind: 'applied' }]);
      await store.close();
    });

    it('to create are named when they are missing, with the command that creates', async () => {
      const { roleUrl } = await newRole();
      const store = createPostgresStore({ url: roleUrl, schema: newSchema() });
      await expect(store.open()).rejects.toMatchObject({ code: 'unavailable' });
      await expect(store.open()).rejects.toThrow(/CREATE .*holdfast migrate/);
    });

    it('to read the schema are named when they are missing', async () => {
      const { role, roleUrl } = await newRole();
      const schema = newSchema();
      const owner = createPostgresStore({ url: url(), schema });
      await owner.open();
      await owner.close();
      const store = createPostgresStore({ url: roleUrl, schema });
      await expect(store.open()).rejects.toThrow(/USAGE on schema/);
      await run(`grant usage on schema ${schema} to ${role}`);
      await expect(store.open()).rejects.toThrow(/SELECT, INSERT, UPDATE and DELETE/);
      await run(`grant select on all tables in schema ${schema} to ${role}`);
      await expect(store.open()).rejects.toThrow(`INSERT on ${schema}.transactions`);
    });
  });
});

describeWith(['postgres'], 'a publication of all tables', () => {
  const { url, run } = useServer(['wal_level=logical']);

  it('does not keep a store from being created', async () => {
    await run('create publication everything for all tables');
    const schema = newSchema();
    const store = createPostgresStore({ url: url(), schema });
    expect(await store.open()).toEqual({ found: 0, current: 1 });
    expect(await store.write([insertOf('a')])).toMatchObject([{ kind: 'applied' }]);
    await store.close();
    await run('drop publication everything');
  });

  it('nor one whose schema_version was made without a primary key: it gets one, and keeps its version', async () => {
    const schema = newSchema();
    const store = createPostgresStore({ url: url(), schema });
    await store.open();
    await store.close();
    await run(`drop table ${schema}.schema_version; create table ${schema}.schema_version (version integer not null);
      insert into ${schema}.schema_version values (1)`);
    const again = createPostgresStore({ url: url(), schema });
    expect(await again.open()).toEqual({ found: 1, current: 1 });
    await again.close();
    await run('create publication everything for all tables');
    // As a migration of a later version does.
    await run(`update ${schema}.schema_version set version = 1`);
    await run('drop publication everything');
  });
});

/** Connections of stores are idle for over 1 ms at first; their first statement takes longer. */
function startSlowly(): void {
  const query = Reflect.get(pg.Client.prototype, 'query') as (...sent: unknown[]) => unknown;
  const spy = vi.spyOn(pg.Client.prototype, 'query') as unknown as MockInstance<(text: unknown) => unknown>;
  spy.mockImplementation(async function (this: pg.Client, ...sent: unknown[]) {
    const [text] = sent;
    if (typeof text === 'string' && text.startsWith('set search_path')) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      return Reflect.apply(query, this, [`select pg_sleep(0.02); ${text}`]);
    }
    return Reflect.apply(query, this, sent);
  });
  onTestFinished(() => spy.mockRestore());
}
