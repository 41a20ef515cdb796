import { BARRIER_COLUMNS, BARRIER_TABLE, barrierTable, placeOfUrl } from '@holdfast/protocol';
import { CommandError } from '../commands/command-error.ts';
import { secretValue } from '../coordinator/secret-value.ts';
import { type Database, openDatabase, type Row } from '../database/open-database.ts';
import { type Check, fail, type Finding, ok, warn } from './finding.ts';
import { checkDrift } from './store.ts';

/** Checks a business database: barrier table, prepared transactions, durability, clock. */
export const barrierCheck = (url: string, tableName: string = BARRIER_TABLE): Check => {
  const place = url.startsWith('file:') ? url : placeOfUrl(url);
  return {
    name: place,
    async run() {
      let database: Database;
      try {
        database = await openDatabase(await secretValue('--barrier', url));
      } catch (error) {
        if (!(error instanceof CommandError)) throw error;
        return [fail(place, error.message, 'check the URL, the server, and the privileges of the user')];
      }
      try {
        const findings = [
          await checkTable(database, tableName),
          await (database.kind === 'postgres' ? checkPrepared(database) : checkXaRight(database)),
          await checkDurability(database),
          await checkClock(database),
        ];
        return findings.map((finding) => ({ ...finding, check: `${place} ${finding.check}` }));
      } finally {
        await database.close();
      }
    },
  };
};

const COLUMNS: Readonly<Record<string, number>> = {
  gid: BARRIER_COLUMNS.gid,
  branch_id: BARRIER_COLUMNS.branchId,
  op: BARRIER_COLUMNS.op,
  barrier_id: BARRIER_COLUMNS.barrierId,
  trans_type: BARRIER_COLUMNS.transType,
  reason: BARRIER_COLUMNS.reason,
};
const UNIQUE = 'barrier_id,branch_id,gid,op';

async function checkTable(database: Database, tableName: string): Promise<Finding> {
  // Checks the name: afterwards its parts are safe to put into SQL.
  barrierTable(database.kind, tableName);
  const [name = '', schema] = tableName.split('.').toReversed();
  const print = `create it with the output of "holdfast barrier-schema --database ${database.kind}"`;
  const columns = await database.query(columnsQuery(database, name, schema));
  if (columns.length === 0) return fail('barrier', `there is no table ${tableName}`, print);
  const lengths = new Map(columns.map((row) => [String(row['name']), lengthOf(row)]));
  const wrong = Object.entries(COLUMNS).filter(([column, most]) => (lengths.get(column) ?? 0) < most);
  const compare = `compare it with the output of "holdfast barrier-schema --database ${database.kind}"`;
  if (wrong.length > 0) {
    const words = wrong.map(([column, most]) =>
      lengths.has(column) ? `${column} is shorter than ${most}` : `no ${column}`,
    );
    // Older tables of dtm's clients have ops and IDs of 45 characters; the barrier rejects longer
    // ones.
    return (wrong.every(([column]) => lengths.has(column)) ? warn : fail)(
      'barrier',
      `${tableName}: ${words.join(', ')}`,
      compare,
    );
  }
  const indexes = await database.query(indexQuery(database, name, schema));
  const unique = indexes.find((row) => String(row['columns']) === UNIQUE);
  if (unique === undefined)
    return fail(
      'barrier',
      `${tableName} has no unique index on (gid, branch_id, op, barrier_id): the barrier protects nothing`,
      compare,
    );
  if (database.kind === 'postgres' && unique['name'] !== 'uniq_barrier')
    return warn(
      'barrier',
      `the constraint of ${tableName} is not named uniq_barrier; dtm's clients expect this name`,
      compare,
    );
  return ok('barrier', `${tableName} is correct`);
}

/** The length of a text column; a column without a limit has no length. */
const lengthOf = (row: Row): number => (row['length'] === null ? Infinity : Number(row['length']));

function columnsQuery({ kind }: Database, name: string, schema: string | undefined): string {
  const own = kind === 'postgres' ? 'current_schema()' : 'database()';
  return `select column_name as "name", character_maximum_length as "length" from information_schema.columns
    where table_name = '${name}' and table_schema = ${schema === undefined ? own : `'${schema}'`}`.replaceAll(
    '"',
    kind === 'postgres' ? '"' : '`',
  );
}

function indexQuery({ kind }: Database, name: string, schema: string | undefined): string {
  if (kind === 'mysql')
    return `select index_name as name, group_concat(column_name order by column_name) as columns from information_schema.statistics
      where table_name = '${name}' and table_schema = ${schema === undefined ? 'database()' : `'${schema}'`} and non_unique = 0 group by index_name`;
  return `select c.relname as name, string_agg(a.attname::text, ',' order by a.attname::text collate "C") as columns
    from pg_index i join pg_class c on c.oid = i.indexrelid join pg_class t on t.oid = i.indrelid
    join pg_namespace n on n.oid = t.relnamespace join pg_attribute a on a.attrelid = t.oid and a.attnum = any (i.indkey)
    where t.relname = '${name}' and n.nspname = ${schema === undefined ? 'current_schema()' : `'${schema}'`} and i.indisunique and i.indpred is null group by c.relname`;
}

async function checkPrepared(database: Database): Promise<Finding> {
  const [row] = await database.query(
    `select current_setting('max_prepared_transactions')::int as most, current_setting('max_connections')::int as connections,
     (select count(*)::int from pg_prepared_xacts) as used`,
  );
  const [most, connections, used] = ['most', 'connections', 'used'].map((name) => Number(row?.[name]));
  const fix = `set max_prepared_transactions to at least ${connections} (max_connections) in postgresql.conf and restart`;
  if (most === 0) return warn('xa', 'max_prepared_transactions is 0: XA branches are rejected', `for XA: ${fix}`);
  if (used !== undefined && most !== undefined && used >= most)
    return fail(
      'xa',
      `all ${most} slots for prepared transactions are in use`,
      `see "holdfast xa recover", and ${fix}`,
    );
  return ok('xa', `max_prepared_transactions is ${most}, ${used} in use`);
}

async function checkXaRight(database: Database): Promise<Finding> {
  try {
    const rows = await database.query('xa recover');
    return ok('xa', `${rows.length} prepared`);
  } catch {
    return warn(
      'xa',
      'this user has no privilege to list prepared transactions',
      'for XA: grant XA_RECOVER_ADMIN on *.* to this user',
    );
  }
}

async function checkDurability(database: Database): Promise<Finding> {
  const query =
    database.kind === 'postgres'
      ? `select current_setting('synchronous_commit') as synchronous_commit, current_setting('fsync') as fsync`
      : `select @@global.innodb_flush_log_at_trx_commit as innodb_flush_log_at_trx_commit,
         if(@@global.log_bin, @@global.sync_binlog, 1) as sync_binlog`;
  const [row = {}] = await database.query(query);
  // After a crash, a server with a binary log rolls back the transactions missing at the log's end.
  const lax = Object.entries(row).filter(([, value]) =>
    database.kind === 'mysql' ? Number(value) !== 1 : value === 'off',
  );
  if (lax.length === 0) return ok('durability', 'acknowledged commits survive a crash');
  const settings = lax.map(([name, value]) => `${name} is ${String(value)}`).join(', ');
  return warn(
    'durability',
    `${settings}: a crash of the database may lose acknowledged commits`,
    database.kind === 'mysql' ? `set ${lax.map(([name]) => `${name}=1`).join(' and ')}` : 'restore its default',
  );
}

async function checkClock(database: Database): Promise<Finding> {
  const query =
    database.kind === 'postgres'
      ? 'select (extract(epoch from clock_timestamp()) * 1000)::float8 as ms'
      : 'select unix_timestamp(now(6)) * 1000 as ms';
  const before = Date.now();
  const [row] = await database.query(query);
  return checkDrift('clock', Number(row?.['ms']) - (before + Date.now()) / 2);
}
