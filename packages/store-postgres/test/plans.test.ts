import pg from 'pg';
import { beforeAll, describe, expect, it } from 'vitest';
import { describeWith } from '@holdfast/testing/describe-with';
import { appendOf, insertOf } from '@holdfast/testing/store-cases';
import type { Statement } from '../src/connection.ts';
import { createPostgresStore } from '../src/index.ts';
import { settingsOf } from '../src/options.ts';
import { sessionSettings } from '../src/session-settings.ts';
import * as exported from '../src/statements/index.ts';
import { newSchema, useServer } from '@holdfast/testing/postgres';

/**
 * Statements that read a whole small table: one row per namespace and slot, or one row per session.
 * The last one runs once, at the start.
 */
const WHOLE_SMALL_TABLES = new Set(['count_all', 'latest']);

const statements = Object.values(exported).filter(
  (value): value is Statement => typeof value === 'object' && 'text' in value,
);

/** The indexes by which each statement finds rows of `transactions`. */
const INDEXES: Readonly<Record<string, readonly string[]>> = {
  write: ['transactions_pkey'],
  write_with_appends: ['transactions_pkey'],
  examine: ['transactions_pkey'],
  get: ['transactions_pkey'],
  versions: ['transactions_pkey'],
  sessions: ['owned'],
  list: ['created', 'transactions_pkey'],
  look: ['due'],
  claim: ['due', 'transactions_pkey'],
  make_due: ['due', 'transactions_pkey'],
  release: ['owned', 'transactions_pkey'],
  purge: ['finished', 'transactions_pkey'],
};

interface Node {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly 'Index Cond'?: string;
  readonly Plans?: readonly Node[];
}

const nodesOf = (node: Node): Node[] => [node, ...(node.Plans ?? []).flatMap(nodesOf)];

describeWith(['postgres'], 'plans on a real server', () => {
  const { url, run } = useServer();

  describe.each([
    ['an empty schema, of which nothing is known', 0],
    ['20,000 finished and 2,000 waiting transactions', 22_000],
  ])('in %s', (_, records) => {
    const schema = newSchema();
    const plans = new Map<string, Node[]>();

    beforeAll(async () => {
      const store = createPostgresStore({ url: url(), schema });
      await store.open();
      for (let from = 0; from < records; from += 2_000)
        await store.write(
          Array.from({ length: 2_000 }, (__, i) =>
            insertOf(`gid-${from + i}`, from === 0 ? { dueInMs: 60_000 + i } : { status: 'succeed' }),
          ),
        );
      if (records > 0) {
        await store.write(Array.from({ length: 500 }, (__, i) => appendOf(`gid-${i}`, 'entry')));
        await run(`analyze ${schema}.transactions, ${schema}.entries, ${schema}.counters, ${schema}.sessions`);
      }
      await store.close();
      for (const statement of statements) plans.set(statement.name, await planOf(statement));
    });

    async function planOf({ name, text }: Statement): Promise<Node[]> {
      const client = new pg.Client({ connectionString: url() });
      await client.connect();
      try {
        await client.query(sessionSettings(settingsOf({ url: url(), schema })));
        await client.query(`prepare ${name} as ${text}`);
        const parameters = Math.max(0, ...[...text.matchAll(/\$(\d+)/g)].map((match) => Number(match[1])));
        const values = parameters === 0 ? '' : `(${Array(parameters).fill('null').join(', ')})`;
        const { rows } = await client.query(`explain (format json) execute ${name}${values}`);
        return nodesOf(rows[0]['QUERY PLAN'][0].Plan as Node);
      } finally {
        await client.end();
      }
    }

    it('no statement scans a table, but for two that sum up small ones', () => {
      const scanning = [...plans].filter(([, nodes]) => nodes.some((node) => node['Node Type'] === 'Seq Scan'));
      expect(scanning.map(([name]) => name).filter((name) => !WHOLE_SMALL_TABLES.has(name))).toEqual([]);
      expect(plans.size).toBeGreaterThan(20);
    });

    it.each(Object.entries(INDEXES))('%s finds transactions by %j', (name, indexes) => {
      const used = plans.get(name)?.filter((node) => node['Relation Name'] === 'transactions' && node['Index Name']);
      expect(new Set(used?.map((node) => node['Index Name']))).toEqual(new Set(indexes));
      for (const node of used ?? [])
        if (node['Index Name'] === 'transactions_pkey') expect(node['Index Cond']).toMatch(/namespace.* AND .*gid/);
    });

    it('changes rows in the order of what they are given: only nested loops join', () => {
      const joins = [...plans.values()].flat().map((node) => node['Node Type']);
      expect(joins).toContain('Nested Loop');
      expect(joins.filter((type) => type === 'Hash Join' || type === 'Merge Join')).toEqual([]);
    });
  });
});
