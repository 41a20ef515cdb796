import { expect, it } from 'vitest';
import { runCli } from './support/run-cli.ts';

async function run(args: string) {
  const { out, err, exitCode } = await runCli(['barrier-schema', ...args.split(' ')]);
  const statements = out.join('\n').split(/(?<=;)\n(?=create|do)/);
  return { out, statements, err, exitCode };
}

it('prints the statements for PostgreSQL, with the constraint that other clients refer to', async () => {
  const { statements, err, exitCode } = await run('--database postgres');
  const [schema, table, index, results, resultsIndex, ...others] = statements;
  expect([schema, others, err, exitCode]).toEqual(['create schema if not exists "dtm_barrier";', [], [], 0]);
  expect(results).toMatch(/^create table if not exists "dtm_barrier"\."barrier_result" \(\n/);
  expect(resultsIndex).toContain('"barrier_result_time" on "dtm_barrier"."barrier_result" (create_time);');
  const create = 'create table if not exists "dtm_barrier"."barrier" (\n';
  const unique = 'unique (gid, branch_id, op, barrier_id)\n);\n';
  expect(table?.split(create)).toEqual([
    'do $$ begin ',
    expect.stringContaining(`constraint uniq_barrier ${unique}exception when duplicate_table`),
    expect.stringContaining(`constraint "uniq_of_barrier" ${unique}end $$;`),
  ]);
  expect(index).toBe('create index if not exists "barrier_create_time" on "dtm_barrier"."barrier" (create_time);');
});

it('prints the statements for MySQL, where gids that differ by case are distinct', async () => {
  const { statements, exitCode } = await run('--database mysql');
  expect([statements.length, exitCode]).toEqual([3, 0]);
  expect(statements[0]).toBe('create database if not exists `dtm_barrier`;');
  expect(statements[1]).toMatch(/^create table if not exists `dtm_barrier`\.`barrier` \(\n.* collate utf8mb4_bin;$/s);
  expect(statements[2]).toMatch(
    /^create table if not exists `dtm_barrier`\.`barrier_result` \(\n.* collate ascii_bin;$/s,
  );
});

it('accepts another table, with or without a schema', async () => {
  expect((await run('--database postgres --table shop.calls')).statements).toContain(
    'create schema if not exists "shop";',
  );
  const { statements } = await run('--database mysql --table calls');
  expect(statements).toHaveLength(2);
  expect(statements[0]).toContain('create table if not exists `calls` (');
  expect(statements[1]).toContain('create table if not exists `calls_result` (');
});

it('reports that Redis needs no schema', async () => {
  const { out, err, exitCode } = await run('--database redis');
  expect([out, exitCode]).toEqual([[], 0]);
  expect(err.join()).toContain('needs no schema');
});

it.each([
  ['--database oracle', 'oracle'],
  ['--table a', '--database'],
  ['--database postgres --table a.b.c', '"a.b.c" cannot name a barrier table'],
  ['--database postgres --table Calls', 'lower-case letters'],
  ['--database mysql --table drop`', 'cannot name a barrier table'],
  [`--database mysql --table ${'a'.repeat(49)}`, '48 each at most'],
])('exits with code 2 and the reason on wrong usage: %s', async (args, why) => {
  const { out, err, exitCode } = await run(args);
  expect([out, exitCode]).toEqual([[], 2]);
  expect(err.join('')).toContain(why);
});

it('prints its options with examples for --help', async () => {
  const { out, exitCode } = await run('--help');
  expect(exitCode).toBe(0);
  expect(out.join('')).toContain('$ holdfast barrier-schema --database postgres');
});
