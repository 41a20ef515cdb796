import { type Command, InvalidArgumentError, Option } from 'commander';
import type { TransactionDetails } from '@holdfast/protocol';
import { CommandError, EXIT } from '../commands/command-error.ts';
import type { CommandIo } from '../commands/command-io.ts';
import { ApiProblem } from '../coordinator/command-error-of.ts';
import type { CoordinatorApi } from '../coordinator/coordinator-api.ts';
import { type Database, openDatabase, reasonOf } from '../database/open-database.ts';
import {
  type CommandContext,
  type CommonOptions,
  exitOfCommander,
  operatorCommand,
  runCommand,
} from '../commands/run-command.ts';
import { columnWidths, tableHead, tableRow } from '../output/table.ts';
import { secretValue } from '../coordinator/secret-value.ts';
import { clean, painter } from '../output/text.ts';
import { duration, parseMoment } from '../output/time.ts';
import { findTransaction } from '../coordinator/transactions-api.ts';
import { type Known, type PlanOptions, planFor, type Step } from './plan.ts';
import { endPrepared, listPrepared, type Reading } from './prepared.ts';

interface RecoverOptions extends CommonOptions {
  readonly url: string;
  /** Age in ms. */
  readonly olderThan: number;
  readonly rollBackUnknown: boolean;
  readonly yes?: true;
}

const HOUR_MS = 3_600_000;

/** `holdfast xa …`: commands for the XA transactions in databases. */
export function registerXa(program: Command, io: CommandIo): void {
  const xa = program
    .command('xa')
    .summary('commit or roll back orphaned XA transactions')
    .exitOverride(exitOfCommander(io));
  const command = xa
    .command('recover')
    .summary('commit or roll back orphaned XA transactions')
    .description(
      'List the prepared transactions of one database whose names look like those of XA branches (GID-BRANCH, for a workflow GID-STEP), query the status of each global transaction at the coordinator, and show the planned action: commit if the global transaction succeeded, roll back if it failed or is unknown to the coordinator, leave while it is unfinished. A prepared transaction whose name has no branch number is also left if its global transaction is unknown, because it may belong to another program. Nothing is changed without --yes.\n\nConnect to the coordinator that these transactions belong to: to any other coordinator, all of them are unknown.',
    )
    .requiredOption('--url <url>', 'the database: postgres://… or mysql://…')
    .option('--yes', 'carry out what is listed')
    .addOption(
      new Option(
        '--older-than <age>',
        'roll back a transaction without a record only if it is older than this, such as 30m, 2h',
      )
        .default(HOUR_MS, '1h')
        .argParser(ageOf),
    )
    .addOption(
      new Option(
        '--roll-back-unknown',
        'also roll back transactions without a record if the database does not report their age (MySQL, MariaDB)',
      ).default(false),
    );
  operatorCommand(command, io, [
    'xa recover --url postgres://app@db/bank',
    'xa recover --url mysql://app@db/bank --roll-back-unknown --yes',
  ]);
  command.action((options: RecoverOptions) => runCommand(io, options, (context) => recover(context, options)));
}

function ageOf(text: string): number {
  const at = parseMoment(text, 0);
  if (at === undefined || at > 0)
    throw new InvalidArgumentError('an age must be a duration such as 90s, 30m, 2h or 3d');
  return -at;
}

async function recover({ api, io }: CommandContext, options: RecoverOptions): Promise<void> {
  const database = await openDatabase(await secretValue('--url', options.url));
  try {
    const { olderThan: olderThanMs, rollBackUnknown } = options;
    const plan: PlanOptions = { olderThanMs, rollBackUnknown };
    const steps: Step[] = [];
    for (const prepared of await listPrepared(database))
      steps.push(planFor(prepared, await knownOf(api, prepared.readings), plan));
    if (options.yes === true) return await carryOut(database, steps, io, options);
    writePlan(steps, io, options);
    const todo = steps.filter(({ will }) => will !== 'leave').length;
    if (todo > 0)
      io.err(`nothing was changed; with --yes, ${todo} of ${steps.length} would be finished as ${api.server} decided`);
  } finally {
    await database.close();
  }
}

async function knownOf(api: CoordinatorApi, readings: readonly Reading[]): Promise<readonly Known[]> {
  const known: Known[] = [];
  for (const reading of readings) {
    const details = await detailsOf(api, reading.gid);
    if (details !== undefined) known.push({ ...reading, details });
  }
  return known;
}

async function detailsOf(api: CoordinatorApi, gid: string): Promise<TransactionDetails | undefined> {
  try {
    return await findTransaction(api, gid);
  } catch (error) {
    if (error instanceof ApiProblem && error.problem.code === 'not_found') return undefined;
    throw error;
  }
}

function writePlan(steps: readonly Step[], io: CommandIo, { output }: RecoverOptions): void {
  if (output === 'json') return io.out(JSON.stringify(steps, undefined, 2));
  if (output === 'ids') return steps.forEach(({ name }) => io.out(name));
  if (steps.length === 0) return io.err('no transaction is prepared');
  const columns = [
    { title: 'NAME', text: (step: Step) => clean(step.name) },
    { title: 'AGE', text: ({ ageMs }: Step) => (ageMs === undefined ? '?' : duration(ageMs)) },
    { title: 'GLOBAL', text: ({ status }: Step) => status },
    { title: 'WILL', text: ({ will }: Step) => will },
    { title: 'WHY', text: ({ why }: Step) => why },
  ];
  const paint = painter(io.colour);
  const widths = columnWidths(columns, steps);
  io.out(tableHead(columns, widths, paint));
  for (const step of steps) io.out(tableRow(columns, widths, step, io.width, paint));
}

/** Executes each step separately: one that fails does not prevent the others. */
async function carryOut(
  database: Database,
  steps: readonly Step[],
  io: CommandIo,
  options: RecoverOptions,
): Promise<void> {
  writePlan(steps, io, options);
  let failed = 0;
  let ended = 0;
  for (const { name, will } of steps) {
    if (will === 'leave') continue;
    try {
      await endPrepared(database, name, will);
      ended++;
    } catch (error) {
      failed++;
      io.err(`holdfast: ${clean(name)} was not finished: ${clean(reasonOf(error))}`);
    }
  }
  io.err(`${ended} ended, ${failed} not, ${steps.length - ended - failed} left`);
  if (failed > 0)
    throw new CommandError(
      EXIT.refused,
      'some transactions could not be finished; check again with "holdfast xa recover"',
    );
}
