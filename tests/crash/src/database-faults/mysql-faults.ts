import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise';
import type { ConnectedFault, FaultEffect, FaultTools, FaultyDatabase } from './faulty-database.ts';
import { hold, killRepeatedly, once, whileKeyValueChanges } from './hold.ts';

const TABLES = ['transactions', 'entries', 'counters', 'sessions', 'key_values', 'marks'].map(
  (name) => `holdfast_${name}`,
);
/** Statements that wait for a row locked by a connection, or for a table. */
const waitingFor = (connectionId: number): string => `select
  (select count(distinct requesting_trx_id) from information_schema.innodb_lock_waits
    join information_schema.innodb_trx on trx_id = blocking_trx_id where trx_mysql_thread_id = ${connectionId})
  + (select count(*) from information_schema.processlist where state like 'Waiting for table%') as count`;
const RECORDS = `select id from holdfast_transactions where left(place, 1) <> 'f' order by rand() limit 30 for update`;
/** Of a node that is running, so that its next heartbeat waits. */
const SESSION =
  'select session from holdfast_sessions where ended_at is null order by heartbeat_at desc, rand() limit 1 for update';
const OTHERS = `select id from information_schema.processlist
  where id <> connection_id() and user = 'holdfast' and rand() < 0.4`;

let columns = 0;

/** Faults of MariaDB. */
export function mysqlFaults(url: string): FaultyDatabase {
  const connected = async <T>(body: (client: Connection) => Promise<T>): Promise<T> => {
    const client = await createConnection({ uri: url });
    // The connection may be lost at any time; the query in flight rejects.
    client.on('error', () => undefined);
    try {
      return await body(client);
    } finally {
      client.destroy();
    }
  };
  const rowsOf = async (client: Connection, text: string): Promise<readonly RowDataPacket[]> => {
    const [rows] = await client.query<RowDataPacket[]>(text);
    return Array.isArray(rows) ? rows : [];
  };
  const countOf = async (client: Connection, text: string): Promise<number> =>
    Number((await rowsOf(client, text))[0]?.['count']);

  const holding = (
    statements: readonly string[],
    what: string,
    lastsMs: number,
    taken?: () => void,
  ): Promise<FaultEffect> =>
    connected((client) =>
      // A connection that has locked tables may read no others.
      connected((other) => {
        const take = async (): Promise<number> => {
          let locked = 0;
          for (const statement of statements) locked = (await rowsOf(client, statement)).length;
          taken?.();
          return what === 'tables' ? TABLES.length : locked;
        };
        const release = async (): Promise<void> => {
          await client.query('unlock tables');
          await client.query('rollback');
        };
        const waiting = (): Promise<number> => countOf(other, waitingFor(client.threadId));
        return hold({ take, waiting, release }, lastsMs, what);
      }),
    );

  const kill = async (client: Connection): Promise<number> => {
    let killed = 0;
    for (const { id } of await rowsOf(client, OTHERS)) {
      // Closed by its client in the meantime, perhaps.
      const isKilled = await client.query(`kill connection ${Number(id)}`).then(
        () => true,
        () => false,
      );
      if (isKilled) killed++;
    }
    return killed;
  };

  const each = (statements: readonly string[], what: string): Promise<FaultEffect> =>
    connected((client) =>
      once(async () => {
        for (const statement of statements) await client.query(statement);
        return statements.length;
      }, what),
    );

  const carryOut = (kind: ConnectedFault, tools: FaultTools): Promise<FaultEffect> => {
    const { lastsMs } = tools;
    // Only the rows that are locked on purpose, without the gaps before them.
    const begin = ['set session transaction isolation level read committed', 'start transaction'];
    switch (kind) {
      case 'locked-records':
        return holding([...begin, RECORDS], 'records', lastsMs);
      case 'locked-session':
        return holding([...begin, SESSION], 'session', lastsMs);
      case 'locked-key-values':
        return whileKeyValueChanges(tools, (change) =>
          holding([...begin, 'select * from holdfast_key_values for update'], 'key-values', lastsMs, change),
        );
      case 'locked-tables':
        return holding([`lock tables ${TABLES.map((table) => `${table} write`).join(', ')}`], 'tables', lastsMs);
      case 'killed-connections':
        return connected((client) => killRepeatedly(() => kill(client)));
      case 'added-columns':
        return each(TABLES.flatMap(addColumns), 'columns added');
      case 'rewritten-tables':
        return each(
          TABLES.map((table) => `optimize table ${table}`),
          'tables rewritten',
        );
      case 'flushed-scripts':
        throw new RangeError('MariaDB has no scripts');
    }
  };
  const now = 'select floor(unix_timestamp(sysdate(6)) * 1000) as count';
  return { carryOut, nowMs: () => connected((client) => countOf(client, now)), shutDownSignal: 'SIGTERM' };
}

function addColumns(table: string): readonly string[] {
  const name = `later_${++columns}`;
  return [
    `alter table ${table} add column ${name} varchar(20)`,
    `alter table ${table} add column ${name}_default int not null default 7`,
  ];
}
