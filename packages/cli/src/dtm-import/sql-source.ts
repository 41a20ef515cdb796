import type { DtmBranch, DtmGlobal } from '@holdfast/server';
import { placeOfUrl } from '@holdfast/protocol';
import { CommandError, EXIT } from '../commands/command-error.ts';
import { type Database, openDatabase, reasonOf, type Row } from '../database/open-database.ts';
import { type DtmFound, type DtmSource, PAGE, TAKEN } from './dtm-source.ts';

export interface SqlSourceOptions {
  /** PostgreSQL: the schema of dtm's tables. */
  readonly schema: string;
  /** MySQL: the time zone in which dtm wrote its times, such as `+08:00`. */
  readonly timeZone: string | undefined;
}

const QUERY_TIMEOUT_MS = 60_000;

/** Opens dtm's tables. Throws `CommandError`. */
export async function openSqlSource(url: string, options: SqlSourceOptions): Promise<DtmSource> {
  const database = await openDatabase(url, { mostBytes: Infinity, queryTimeoutMs: QUERY_TIMEOUT_MS });
  const source = new SqlSource(database, placeOfUrl(url), options);
  try {
    await source.begin(options.timeZone);
    return source;
  } catch (error) {
    await database.close().catch(() => undefined);
    if (error instanceof CommandError) throw error;
    const message = `dtm's tables at ${source.place} cannot be read: ${reasonOf(error)}`;
    throw new CommandError(EXIT.unreachable, message, { cause: error });
  }
}

const UNFINISHED = `status in ('prepared', 'submitted', 'aborting')`;

/** dtm's tables in PostgreSQL, MySQL or MariaDB. */
class SqlSource implements DtmSource {
  readonly place: string;
  readonly resultsMayBeMissing = true;
  readonly #database: Database;
  readonly #globals: string;
  readonly #branches: string;

  constructor(database: Database, place: string, { schema }: SqlSourceOptions) {
    this.#database = database;
    this.place = place;
    const inSchema = (table: string): string => (database.kind === 'mysql' ? table : `"${schema}".${table}`);
    this.#globals = inSchema('trans_global');
    this.#branches = inSchema('trans_branch_op');
  }

  async begin(timeZone: string | undefined): Promise<void> {
    if (this.#database.kind === 'mysql' && timeZone !== undefined)
      await this.#database.query('set time_zone = ?', [timeZone]);
    const [row] = await this.#database.query(
      `select ${this.#ms('max(create_time)')} - ${this.#ms('now()')} as ahead from ${this.#globals} where ${UNFINISHED}`,
    );
    const aheadMs = Number(row?.['ahead'] ?? 0);
    if (aheadMs > MOST_AHEAD_MS)
      throw new CommandError(
        EXIT.usage,
        `dtm's times are ${Math.round(aheadMs / 60_000)} minutes ahead of the database: specify dtm's time zone with --dtm-time-zone`,
      );
  }

  async signs(): Promise<readonly string[]> {
    const others =
      this.#database.kind === 'mysql'
        ? `select count(*) as n from information_schema.processlist
           where db = database() and id <> connection_id() and user <> 'event_scheduler'`
        : `select count(*) as n from pg_stat_activity where datname = current_database()
           and pid <> pg_backend_pid() and query like '%trans\\_global%'`;
    const [row] = await this.#database.query(others);
    const count = Number(row?.['n'] ?? 0);
    return count === 0
      ? []
      : [`${count} other connections use ${this.#database.kind === 'mysql' ? 'its database' : 'its tables'}`];
  }

  async fingerprint(): Promise<string> {
    const [row] = await this.#database.query(
      `select count(*) as n, max(id) as newest, ${this.#ms('max(update_time)')} as changed,
       ${this.#ms('max(next_cron_time)')} as due from ${this.#globals} where ${UNFINISHED}`,
    );
    return JSON.stringify([row?.['n'], row?.['newest'], row?.['changed'], row?.['due']].map(String));
  }

  async finished(): Promise<number> {
    const [row] = await this.#database.query(
      `select count(*) as n from ${this.#globals} where status in ('succeed', 'failed')`,
    );
    return Number(row?.['n'] ?? 0);
  }

  async *unfinished(): AsyncIterable<readonly DtmFound[]> {
    for (let after = '-1'; ;) {
      const globals = await this.#database.query(
        `select id, gid, trans_type, status, protocol, query_prepared, options, custom_data, ext_data, rollback_reason,
         ${this.#ms('create_time')} as created, ${this.#ms('update_time')} as updated,
         ${this.#ms('next_cron_time')} as next_at, next_cron_interval, owner
         from ${this.#globals} where id > ${this.#parameter(1)} and ${UNFINISHED} order by id limit ${PAGE}`,
        [after],
      );
      if (globals.length === 0) return;
      const branches = await this.#branchesOf(globals.map((row) => text(row, 'gid')));
      yield globals.map((row) => {
        const global = globalOf(row);
        return { global, branches: branches.get(global.gid) ?? [], taken: global.owner === TAKEN };
      });
      after = text(globals.at(-1) ?? {}, 'id');
    }
  }

  async #branchesOf(gids: readonly string[]): Promise<ReadonlyMap<string, readonly DtmBranch[]>> {
    const rows = await this.#database.query(
      `select gid, branch_id, op, url, data, bin_data, status, ${this.#ms('create_time')} as created,
       ${this.#ms('finish_time')} as finished
       from ${this.#branches} where gid in (${gids.map((_, i) => this.#parameter(i + 1)).join()}) order by id`,
      gids,
    );
    // Compared here once more: a collation of MySQL may not distinguish gids by case.
    const byGid = new Map<string, DtmBranch[]>();
    for (const row of rows) {
      const gid = text(row, 'gid');
      const list = byGid.get(gid) ?? [];
      list.push(branchOf(row));
      byGid.set(gid, list);
    }
    return byGid;
  }

  async take({ global, branches, taken }: DtmFound): Promise<boolean> {
    if (taken) return true;
    const { gid, status, owner, updatedAtMs } = global;
    const [one, two, three, four, five, six] = [1, 2, 3, 4, 5, 6].map((n) => this.#parameter(n));
    const open = branches.filter((branch) => branch.status === 'prepared');
    const values = [gid, status, owner, updatedAtMs ?? 0, branches.length, open.length].map(String);
    // dtm adds a branch without changing the row of the transaction.
    const count = `select count(*) from ${this.#branches} as b where b.gid = ${this.#globals}.gid`;
    const conditions = `gid = ${one} and status = ${two} and owner = ${three}
      and coalesce(${this.#ms('update_time')}, 0) = ${four}
      and (${count}) = ${five} and (${count} and b.status = 'prepared') = ${six}`;
    const change = `update ${this.#globals} set owner = '${TAKEN}', next_cron_time = null where ${conditions}`;
    // By the number of rows: the owner may be that of another import, which has read other records.
    if (this.#database.kind === 'postgres')
      return (await this.#database.query(`${change} returning gid`, values)).length === 1;
    await this.#database.query(change, values);
    const [row] = await this.#database.query('select row_count() as n');
    return Number(row?.['n']) === 1;
  }

  close(): Promise<void> {
    return this.#database.close();
  }

  #parameter(number: number): string {
    return this.#database.kind === 'mysql' ? '?' : `$${number}`;
  }

  /** A time as ms since the epoch. */
  #ms(time: string): string {
    return this.#database.kind === 'mysql'
      ? `cast(unix_timestamp(${time}) * 1000 as signed)`
      : `cast(extract(epoch from ${time}) * 1000 as bigint)`;
  }
}

/** A clock may differ by this. */
const MOST_AHEAD_MS = 5 * 60_000;

const globalOf = (row: Row): DtmGlobal => ({
  gid: text(row, 'gid'),
  transType: text(row, 'trans_type'),
  status: text(row, 'status'),
  protocol: text(row, 'protocol'),
  queryPrepared: text(row, 'query_prepared'),
  options: text(row, 'options'),
  customData: text(row, 'custom_data'),
  extData: text(row, 'ext_data'),
  rollbackReason: text(row, 'rollback_reason'),
  createdAtMs: time(row, 'created'),
  updatedAtMs: time(row, 'updated'),
  nextCronAtMs: time(row, 'next_at'),
  nextCronIntervalSeconds: Number(row['next_cron_interval'] ?? 0),
  owner: text(row, 'owner'),
});

const branchOf = (row: Row): DtmBranch => ({
  branchId: text(row, 'branch_id'),
  op: text(row, 'op'),
  url: text(row, 'url'),
  // Old versions of dtm wrote the payload as a text.
  data: row['bin_data'] instanceof Uint8Array ? row['bin_data'] : Buffer.from(text(row, 'data')),
  status: text(row, 'status'),
  createdAtMs: time(row, 'created'),
  finishedAtMs: time(row, 'finished'),
});

const text = (row: Row, column: string): string => {
  const value = row[column];
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'bigint' ? String(value) : '';
};

const time = (row: Row, column: string): number | null => {
  const value = row[column];
  return value === null || value === undefined ? null : Number(value);
};
