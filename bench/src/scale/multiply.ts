import pg from 'pg';
import type { Say } from '../report/say.ts';

/** The number of transactions to create in a schema of PostgreSQL. */
export interface Multiplication {
  readonly url: string;
  readonly schema: string;
  readonly finished: number;
  readonly waiting: number;
}

/** Rows added by one statement. */
const ROWS_AT_ONCE = 100_000;
/** Time between a copy and the next one of the same transaction. */
const STEP_MS = 10;

/**
 * Multiplies the transactions of a coordinator: each copy is an ordinary record with another gid
 * and other times.
 */
export async function multiply({ url, schema, finished, waiting }: Multiplication, say: Say): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(`set search_path to ${schema}; set synchronous_commit to off`);
    await client.query(`create temporary table originals as select *, row_number() over () as place from transactions`);
    const columns = await columnsOf(client, schema);
    for (const [kind, wanted] of Object.entries({ finished, waiting })) {
      const condition = `finished_at is ${kind === 'finished' ? 'not null' : 'null'}`;
      const originals = await numberOf(client, `select count(*) from originals where ${condition}`);
      if (originals === 0 && wanted > 0) throw new Error(`there is no ${kind} transaction to copy`);
      for (let made = originals; made < wanted; made += ROWS_AT_ONCE) {
        await copy(client, columns, condition, made, Math.min(wanted, made + ROWS_AT_ONCE), originals);
        say(`${Math.min(wanted, made + ROWS_AT_ONCE)} of ${wanted} ${kind}`);
      }
    }
    await client.query('drop table originals');
    await recount(client);
    // The state that autovacuum reaches eventually.
    await client.query('vacuum (analyze) transactions');
    await client.query('checkpoint');
  } finally {
    await client.end();
  }
}

async function columnsOf(client: pg.Client, schema: string): Promise<readonly string[]> {
  const { rows } = await client.query<{ name: string }>(
    `select column_name as name from information_schema.columns where table_schema = $1 and table_name = 'transactions'`,
    [schema],
  );
  return rows.map(({ name }) => name);
}

const numberOf = async (client: pg.Client, text: string): Promise<number> =>
  Number((await client.query<{ count: string }>(text)).rows[0]?.count);

/**
 * Inserts copies number `from` to `to` of the matching originals, in turn; later copies have
 * earlier times.
 */
async function copy(
  client: pg.Client,
  columns: readonly string[],
  condition: string,
  from: number,
  to: number,
  originals: number,
): Promise<void> {
  const round = `(n.number / ${originals})`;
  const changed: Readonly<Record<string, string>> = {
    gid: `o.gid || '-' || ${round}`,
    created_at: `o.created_at - ${STEP_MS} * ${round}`,
    updated_at: `o.updated_at - ${STEP_MS} * ${round}`,
    finished_at: `o.finished_at - ${STEP_MS} * ${round}`,
    due_at: `o.due_at + ${STEP_MS} * ${round}`,
  };
  await client.query(
    `with o as (select *, row_number() over (order by place) - 1 as turn from originals where ${condition})
     insert into transactions (${columns.join(', ')})
     select ${columns.map((column) => changed[column] ?? `o.${column}`).join(', ')}
     from generate_series($1::bigint, $2::bigint - 1) as n (number) join o on o.turn = n.number % ${originals}`,
    [from, to],
  );
}

/** Sets the counters to the current numbers, in one slot each. */
async function recount(client: pg.Client): Promise<void> {
  const statuses = ['prepared', 'submitted', 'aborting', 'succeed', 'failed'];
  const counts = statuses.map((status) => `count(*) filter (where status = '${status}')`);
  await client.query('begin');
  await client.query(
    'update counters set (prepared, submitted, aborting, succeed, failed, attention) = (0, 0, 0, 0, 0, 0)',
  );
  await client.query(
    `update counters c set (${statuses.join(', ')}, attention) =
       (select ${counts.join(', ')}, count(*) filter (where attention) from transactions t where t.namespace = c.namespace)
     where (namespace, slot) in (select namespace, min(slot) from counters group by namespace)`,
  );
  await client.query('commit');
}
