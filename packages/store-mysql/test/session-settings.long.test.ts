import { expect, it } from 'vitest';
import { describeWith } from '@holdfast/testing/describe-with';
import { insertOf, updateOf } from '@holdfast/testing/store-cases';
import { createMysqlStore } from '../src/index.ts';
import { newPrefix, useServer } from '@holdfast/testing/mysql';

/** A gid of many scripts, and every byte there is. */
const GID = 'überweisung-日本-😀-\\-"-\'';
const EVERY_BYTE = Uint8Array.from({ length: 256 }, (_, i) => i);

const INIT_CONNECT = [
  'set names utf8mb4',
  'set autocommit = 0',
  'set sql_select_limit = 1',
  'set sql_safe_updates = 1',
  'set completion_type = 1',
  'set sql_big_selects = 0, max_join_size = 1',
  "set sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT,ANSI'",
  "set time_zone = '+09:00'",
  'set session transaction isolation level serializable',
  'set session transaction read only',
  'set max_statement_time = 0.001',
  'set innodb_lock_wait_timeout = 1',
  'set sql_auto_is_null = 1',
  'set character_set_results = latin1',
];

describeWith(['mariadbd'], 'settings of the server for each session', () => {
  const { url, run } = useServer(['--skip-character-set-client-handshake', '--character-set-server=latin1']);

  /**
   * The URL of a user whose sessions begin with `init_connect`: those of an administrator do not.
   */
  async function plainUser(): Promise<string> {
    await run(`create or replace user plain@'127.0.0.1'; grant all on holdfast.* to plain@'127.0.0.1'`);
    const plain = new URL(url());
    plain.username = 'plain';
    return plain.href;
  }

  it.each(INIT_CONNECT)('do not change what the store keeps: %s', async (statement) => {
    const place = { url: await plainUser(), prefix: newPrefix() };
    await run(`set global init_connect = "${statement.replaceAll('"', '""')}"`);
    const [store, other] = [createMysqlStore(place), createMysqlStore(place)];
    try {
      await store.open();
      await other.open();
      await store.write([
        insertOf(GID, { definition: EVERY_BYTE, state: EVERY_BYTE }),
        insertOf('b'),
        insertOf('c'),
        insertOf('d'),
      ]);
      const [record] = await other.get([insertOf(GID).key]);
      expect(record?.key.gid).toBe(GID);
      expect([record?.definition, record?.state].map((bytes) => [...(bytes ?? [])])).toEqual([
        [...EVERY_BYTE],
        [...EVERY_BYTE],
      ]);
      expect(
        await run(`select count(*) as n from ${place.prefix}transactions where id = binary ${hexOf(GID)}`),
      ).toEqual([{ n: 1 }]);
      expect((await other.list({ namespace: 'default', limit: 10 })).items).toHaveLength(4);
      await other.openSession('s', { node: 'n', version: '1' });
      expect((await other.claimDue({ session: 's', limit: 10, groups: [] })).claimed).toHaveLength(4);
      expect(await store.write([updateOf('b', { expectVersion: 2 })])).toMatchObject([{ kind: 'applied' }]);
      expect((await other.count()).byStatus.submitted).toBe(4);
    } finally {
      await run(`set global init_connect = ''`);
      await store.close();
      await other.close();
    }
  });

  it('leave no transaction open between calls', async () => {
    const place = { url: await plainUser(), prefix: newPrefix() };
    await run(`set global init_connect = 'set autocommit = 0, completion_type = 1'`);
    const store = createMysqlStore(place);
    try {
      await store.open();
      await store.write([insertOf('a')]);
      await store.get([insertOf('a').key]);
      await store.nowMs();
      await store.count();
      const open = `select count(*) as n from information_schema.innodb_trx t
        join information_schema.processlist p on p.id = t.trx_mysql_thread_id where p.user = 'plain'`;
      expect(await run(`do sleep(0.2); ${open}`)).toEqual([{ n: 0 }]);
    } finally {
      await run(`set global init_connect = ''`);
      await store.close();
    }
  });
});

describeWith(['mariadbd'], 'opening refuses', () => {
  const { url, run } = useServer(['--log-bin', '--server-id=1']);

  it('a binary log of statements, which rejects the writes of a store, and names the setting', async () => {
    await run(`set global binlog_format = 'STATEMENT'`);
    try {
      const store = createMysqlStore({ url: url(), prefix: newPrefix() });
      await expect(store.open()).rejects.toMatchObject({ code: 'unavailable' });
      await expect(store.open()).rejects.toThrow(/binlog_format is STATEMENT.*set it to ROW or MIXED/);
    } finally {
      await run(`set global binlog_format = 'MIXED'`);
    }
  });

  it('nothing, but warns, when a packet is too small for the largest transaction', async () => {
    await run('set global max_allowed_packet = 1048576');
    const warnings: string[] = [];
    try {
      const store = createMysqlStore({ url: url(), prefix: newPrefix(), onWarning: (text) => warnings.push(text) });
      await store.open();
      await store.close();
    } finally {
      await run('set global max_allowed_packet = 16777216');
    }
    expect(warnings.join('\n')).toMatch(/max_allowed_packet is 1048576/);
  });
});

describeWith(['mariadbd'], 'privileges', () => {
  const { url, run } = useServer();

  async function userWith(name: string, privileges: string): Promise<string> {
    await run(`create or replace user ${name}@'127.0.0.1'; grant ${privileges} on holdfast.* to ${name}@'127.0.0.1'`);
    return Object.assign(new URL(url()), { username: name }).href;
  }

  it('to change rows are enough when nothing needs creating', async () => {
    const prefix = newPrefix();
    const owner = createMysqlStore({ url: url(), prefix });
    await owner.open();
    await owner.close();
    const store = createMysqlStore({ url: await userWith('service', 'select, insert, update, delete'), prefix });
    expect(await store.open()).toEqual({ found: 1, current: 1 });
    expect(await store.write([insertOf('a')])).toMatchObject([{ kind: 'applied' }]);
    await store.close();
  });

  it.each(['select', 'select, insert, delete', 'select, insert, update'])(
    'of which one is missing make opening fail, with the privilege and the command that creates: %s',
    async (privileges) => {
      const prefix = newPrefix();
      const service = await userWith('less', privileges);
      const store = createMysqlStore({ url: service, prefix });
      await expect(store.open()).rejects.toMatchObject({ code: 'unavailable' });
      await expect(store.open()).rejects.toThrow(/CREATE command denied.*holdfast migrate/);
      const owner = createMysqlStore({ url: url(), prefix });
      await owner.open();
      await owner.close();
      await expect(store.open()).rejects.toThrow(/(INSERT|UPDATE|DELETE) command denied.*grant SELECT/);
    },
  );

  it('are not set on a read-only server: opening fails and names the setting', async () => {
    const prefix = newPrefix();
    const owner = createMysqlStore({ url: url(), prefix });
    await owner.open();
    await owner.close();
    const store = createMysqlStore({ url: await userWith('reader', 'all'), prefix });
    await run('set global read_only = 1');
    try {
      await expect(store.open()).rejects.toThrow(/--read-only.*connect to the primary/);
    } finally {
      await run('set global read_only = 0');
    }
  });
});

const hexOf = (text: string): string => `0x${Buffer.from(`default\0${text}`).toString('hex')}`;
