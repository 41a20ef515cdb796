import { setTimeout as pause } from 'node:timers/promises';
import { StoreError } from '@holdfast/core/store';
import { placeOfUrl } from '@holdfast/protocol';
import { ConfigError } from '@holdfast/server/config';
import { storeOf } from '@holdfast/server/store';
import { type Command, Option } from 'commander';
import { CommandError, EXIT } from '../commands/command-error.ts';
import type { CommandIo } from '../commands/command-io.ts';
import { exitOfCommander } from '../commands/run-command.ts';
import { secretValue } from '../coordinator/secret-value.ts';
import { readStoreTls, type StoreTlsOptions, withStoreTlsOptions } from '../database/store-tls-options.ts';
import { clean } from '../output/text.ts';
import type { DtmFound, DtmSource } from './dtm-source.ts';
import type { ImportResult } from './importer.ts';

interface ImportOptions extends StoreTlsOptions {
  readonly from: string;
  readonly store?: string;
  readonly apply: boolean;
  readonly output: 'table' | 'json';
  readonly dtmSchema: string;
  readonly dtmPrefix: string;
  readonly dtmTimeZone?: string;
  readonly dtmIsStopped: boolean;
}

/** dtm polls for due transactions every 3 seconds by default. */
const WATCH_MS = 4_000;

/** `holdfast import`: continues the unfinished transactions of dtm. */
export function registerImport(program: Command, io: CommandIo): void {
  const command = withStoreTlsOptions(program.command('import'))
    .summary('continue the unfinished transactions of dtm')
    .description(
      "Read dtm's own records and continue its unfinished transactions in a store of Holdfast. By default nothing is changed: the command prints what it would do. Stop dtm first.",
    )
    .requiredOption('--from <url>', "dtm's database: postgres://…, mysql://… or redis://…")
    .addOption(new Option('--store <url>', 'the store, as for serve; needed with --apply').env('HOLDFAST_STORE'))
    .option('--apply', 'import the transactions', false)
    .option('--dtm-schema <name>', "PostgreSQL: the schema of dtm's tables", 'public')
    .option('--dtm-prefix <prefix>', "Redis: the prefix of dtm's keys", '{a}')
    .option('--dtm-time-zone <offset>', 'MySQL: the time zone in which dtm ran, such as +08:00')
    .option('--dtm-is-stopped', 'skip the check whether dtm is running', false)
    .addOption(
      new Option('-o, --output <form>', 'table (human-readable) or json (one object per line)')
        .choices(['table', 'json'])
        .default('table'),
    )
    .addHelpText(
      'after',
      '\nExamples:\n  $ holdfast import --from mysql://dtm@db/dtm\n  $ holdfast import --from mysql://dtm@db/dtm --store mysql://holdfast@db/holdfast --apply',
    )
    .exitOverride(exitOfCommander(io));
  command.action(async (options: ImportOptions) => {
    try {
      io.setExitCode(await runImport(options, io));
    } catch (error) {
      const known = asCommandError(error);
      io.err(`holdfast: ${clean(known.message)}`);
      io.setExitCode(known.exitCode);
    }
  });
}

async function runImport(options: ImportOptions, io: CommandIo): Promise<number> {
  if (options.apply && options.store === undefined)
    throw new CommandError(EXIT.usage, '--apply needs --store, the store of the coordinators that continue');
  const source = await openSource({ ...options, from: await secretValue('--from', options.from) });
  try {
    if (!options.dtmIsStopped) await refuseWhileRunning(source);
    return await (options.apply ? apply(source, options, io) : plan(source, options, io));
  } finally {
    await source.close();
  }
}

async function openSource({ from, dtmSchema, dtmPrefix, dtmTimeZone }: ImportOptions): Promise<DtmSource> {
  if (/^rediss?:|^(?:redis\+)?unix:/.test(from)) {
    const { openRedisSource } = await import('./redis-source.ts');
    return openRedisSource(from, dtmPrefix);
  }
  // The URL may contain a password: only its scheme is repeated.
  if (!/^(?:postgres(?:ql)?|mysql|mariadb):\/\//.test(from))
    throw new CommandError(
      EXIT.usage,
      `--from begins with postgres://, mysql:// or redis://, not with ${/^[a-z]+:/.exec(from)?.[0] ?? 'a text without a scheme'}; transactions in BoltDB cannot be imported: let dtm finish them`,
    );
  const { openSqlSource } = await import('./sql-source.ts');
  return openSqlSource(from, { schema: checkedSchema(dtmSchema), timeZone: dtmTimeZone });
}

function checkedSchema(name: string): string {
  if (/^[\w$]{1,63}$/.test(name)) return name;
  throw new CommandError(EXIT.usage, `--dtm-schema ${JSON.stringify(name)} is not the name of a schema`);
}

async function refuseWhileRunning(source: DtmSource): Promise<void> {
  const signs = [...(await source.signs())];
  if (signs.length === 0) {
    const before = await source.fingerprint();
    await pause(WATCH_MS);
    if ((await source.fingerprint()) !== before) signs.push('its records change');
  }
  if (signs.length > 0)
    throw new CommandError(
      EXIT.refused,
      `dtm seems to be running at ${source.place}: ${signs.join(', ')}. Stop every dtm process, and then repeat the command; --dtm-is-stopped skips this check`,
    );
}

async function plan(source: DtmSource, options: ImportOptions, io: CommandIo): Promise<number> {
  const { Planner } = await import('./importer.ts');
  const planner = new Planner(source);
  const report = new ImportReport(options, io);
  for await (const page of source.unfinished()) report.add(planner.plan(page, io.nowMs()));
  return report.end(await source.finished());
}

async function apply(source: DtmSource, options: ImportOptions, io: CommandIo): Promise<number> {
  const { Importer } = await import('./importer.ts');
  const store = await storeOf(options.store ?? '', (text) => io.err(clean(text)), readStoreTls(options));
  try {
    await store.open();
    const importer = new Importer(source, store);
    const report = new ImportReport(options, io);
    for await (const page of source.unfinished()) report.add(await importer.import(page));
    return report.end(await source.finished());
  } finally {
    await store.close();
  }
}

/** Prints each result at once and keeps only counts. */
class ImportReport {
  readonly #options: ImportOptions;
  readonly #io: CommandIo;
  readonly #counts = { planned: 0, imported: 0, already: 0, refused: 0 };

  constructor(options: ImportOptions, io: CommandIo) {
    this.#options = options;
    this.#io = io;
  }

  add(results: readonly ImportResult[]): void {
    for (const result of results) {
      this.#counts[result.kind]++;
      this.#io.out(this.#options.output === 'json' ? JSON.stringify(jsonOf(result)) : lineOf(result));
    }
  }

  end(finished: number): number {
    const { planned, imported, already, refused } = this.#counts;
    const done = this.#options.apply ? `${imported} imported` : `${planned} would be imported`;
    const text = `${done}, ${already} imported earlier, ${refused} not importable; ${finished} finished ones stay in dtm's database`;
    if (this.#options.output === 'json') this.#io.out(JSON.stringify({ ...this.#counts, finished }));
    else this.#io.err(text);
    if (!this.#options.apply && planned > 0)
      this.#io.err(`nothing was changed; to import, add ${howToApply(this.#options)}`);
    return refused === 0 ? EXIT.done : EXIT.refused;
  }
}

const howToApply = ({ store }: ImportOptions): string =>
  store === undefined ? '--store URL --apply' : `--apply (the store is ${placeOfUrl(store)})`;

const describe = ({ global }: DtmFound) => ({
  gid: global.gid,
  pattern: global.transType,
  status: global.status,
});

const jsonOf = (result: ImportResult) => ({
  ...describe(result.found),
  result: result.kind,
  ...('why' in result && { reason: result.why }),
  ...('to' in result && { becomes: result.to.state.status, dueInMs: result.to.dueInMs }),
});

function lineOf(result: ImportResult): string {
  const { gid, pattern, status } = describe(result.found);
  const what = `${clean(gid)}  ${clean(pattern)} ${clean(status)}`;
  switch (result.kind) {
    case 'refused':
      return `✗ ${what}: ${clean(result.why)}`;
    case 'already':
      return `· ${what}: imported earlier`;
    default:
      return `✓ ${what}: ${result.kind === 'planned' ? 'would be continued' : 'imported'} as ${result.to.state.status}`;
  }
}

function asCommandError(error: unknown): CommandError {
  if (error instanceof CommandError) return error;
  if (error instanceof ConfigError) return new CommandError(EXIT.usage, error.message);
  if (error instanceof StoreError)
    return new CommandError(error.code === 'invalid' ? EXIT.usage : EXIT.unreachable, error.message);
  throw error;
}
