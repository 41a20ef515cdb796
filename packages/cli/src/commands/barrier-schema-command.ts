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
      'Print the SQL that creates the barrier table, for the database that holds the data of a participant. The SQL changes nothing if the table exists; participants that use dtm’s clients share the table. A barrier in Redis needs no table.',
    )
    .addOption(
      new Option('--database <database>', 'the database of the participant; use mysql for MariaDB, too')
        .choices(['postgres', 'mysql', 'redis'] satisfies BarrierSchemaOptions['database'][])
        .makeOptionMandatory(),
    )
    .option('--table <name>', `TABLE or SCHEMA.TABLE, as configured in the participants (default: ${BARRIER_TABLE})`)
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
    return io.err('A barrier in Redis needs no schema: its keys are created when needed and expire automatically.');
  try {
    for (const statement of barrierSchema(database, table)) io.out(`${statement};`);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    io.err(`holdfast: --table ${error.message}`);
    io.setExitCode(EXIT.usage);
  }
}
