import { BARRIER_TABLE, type BarrierDatabase, barrierSchema } from '@holdfast/protocol';
import { type Command, Option } from 'commander';
import { EXIT } from './command-error.ts';
import type { CommandIo } from './command-io.ts';
import { exitOfCommander } from './run-command.ts';

interface BarrierSchemaOptions {
  readonly database: BarrierDatabase | 'redis';
  readonly table?: string;
}

/** `holdfast barrier-schema`: the SQL that creates a participant's barrier table. */
export function registerBarrierSchema(program: Command, io: CommandIo): void {
  const command = program
    .command('barrier-schema')
    .summary('print the SQL that creates the barrier table of participants')
    .description(
      'Print the SQL that creates the barrier table of participants, in the database where their own data are. It changes nothing where there is one already; participants with dtm’s clients share it. A barrier in Redis needs none.',
    )
    .addOption(
      new Option('--database <database>', 'what the participant keeps its data in; mysql is MariaDB, too')
        .choices(['postgres', 'mysql', 'redis'] satisfies BarrierSchemaOptions['database'][])
        .makeOptionMandatory(),
    )
    .option('--table <name>', `TABLE or SCHEMA.TABLE, as the participants name it (default: ${BARRIER_TABLE})`)
    .addHelpText(
      'after',
      [
        '',
        'Examples:',
        '  $ holdfast barrier-schema --database postgres | psql "$DATABASE_URL"',
        '  $ holdfast barrier-schema --database mysql --table shop.barrier',
      ].join('\n'),
    )
    .exitOverride(exitOfCommander(io));
  command.action((options: BarrierSchemaOptions) => print(options, io));
}

function print({ database, table }: BarrierSchemaOptions, io: CommandIo): void {
  if (database === 'redis')
    return io.err('A barrier in Redis needs no schema: its keys come and expire by themselves.');
  try {
    for (const statement of barrierSchema(database, table)) io.out(`${statement};`);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    io.err(`holdfast: --table ${error.message}`);
    io.setExitCode(EXIT.usage);
  }
}
