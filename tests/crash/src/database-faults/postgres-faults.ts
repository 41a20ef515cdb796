import pg from 'pg';
import type { ConnectedFault, FaultEffect, FaultTools, FaultyDatabase } from './faulty-database.ts';
import { hold, killRepeatedly, once, whileKeyValueChanges } from './hold.ts';

const TABLES = ['transactions', 'entries', 'counters', 'sessions', 'key_values'].map((name) => `holdfast.${name}`);
/** Statements that wait for a lock of this connection. */
const WAITING = `select count(distinct pid)::int as count from pg_locks
  where not granted and pg_backend_pid() = any(pg_blocking_pids(pid))`;
const RECORDS = `select gid from holdfast.transactions where finished_at is null order by random() limit 30 for update`;
/** Of a node that is running, so that its next heartbeat waits. */
const SESSION = `select session from holdfast.sessions where ended_at is null
  order by heartbeat_at desc, random() limit 1 for update`;
const KILL = `select count(pg_terminate_backend(pid))::int as count from pg_stat_activity
  where application_name = 'holdfast' and random() < 0.4`;

let columns = 0;

/** Faults of PostgreSQL. */
export function postgresFaults(url: string): FaultyDatabase {
  const connected = async <T>(body: (client: pg.Client) => Promise<T>): Promise<T> => {
    const client = new pg.Client({ connectionString: url, application_name: 'crash-test' });
    // The connection may be lost at any time; the query in flight rejects.
    client.on('error', () => undefined);
    await client.connect();
    try {
      return await body(client);
    } finally {
      await client.end().catch(() => undefined);
    }
  };
  const countOf = async (client: pg.Client, text: string): Promise<number> => {
    const { rows } = await client.query<{ count: number }>(text);
    return rows[0]?.count ?? 0;
  };

  const holding = (text: string, what: string, lastsMs: number, taken?: () => void): Promise<FaultEffect> =>
    connected((client) => {
      const take = async (): Promise<number> => {
        await client.query('begin');
        const { rowCount } = await client.query(text);
        taken?.();
        return rowCount ?? TABLES.length;
      };
      const release = (): Promise<unknown> => client.query('rollback');
      return hold({ take, waiting: () => countOf(client, WAITING), release }, lastsMs, what);
    });

  const each = (statements: readonly string[], what: string): Promise<FaultEffect> =>
    connected((client) =>
      once(async () => {
        for (const statement of statements) await client.query(statement);
        return statements.length;
      }, what),
    );

  const carryOut = (kind: ConnectedFault, tools: FaultTools): Promise<FaultEffect> => {
    const { lastsMs } = tools;
    switch (kind) {
      case 'locked-records':
        return holding(RECORDS, 'records', lastsMs);
      case 'locked-session':
        return holding(SESSION, 'session', lastsMs);
      case 'locked-key-values':
        return whileKeyValueChanges(tools, (change) =>
          holding('select key from holdfast.key_values for update', 'key-values', lastsMs, change),
        );
      case 'locked-tables':
        return holding(`lock table ${TABLES.join(', ')} in access exclusive mode`, 'tables', lastsMs);
      case 'killed-connections':
        return connected((client) => killRepeatedly(() => countOf(client, KILL)));
      case 'added-columns':
        return each(TABLES.flatMap(addColumns), 'columns added');
      case 'rewritten-tables':
        return each(
          TABLES.map((table) => `vacuum full ${table}`),
          'tables rewritten',
        );
      case 'flushed-scripts':
        throw new RangeError('PostgreSQL has no scripts');
    }
  };
  const now = 'select floor(extract(epoch from clock_timestamp()) * 1000)::float8 as count';
  // Immediate shutdown: no checkpoint, and no client is waited for.
  return { carryOut, nowMs: () => connected((client) => countOf(client, now)), shutDownSignal: 'SIGQUIT' };
}

function addColumns(table: string): readonly string[] {
  const name = `later_${++columns}`;
  return [
    `alter table ${table} add column ${name} text`,
    `alter table ${table} add column ${name}_default integer not null default 7`,
  ];
}
