import { type SchemaVersions, StoreError } from '@holdfast/core';
import { type Command, Option } from 'commander';
import { ConfigError } from '../config/config-error.ts';
import { storeOf } from '../open-store.ts';
import { CommandError, EXIT } from './command-error.ts';
import type { CommandIo } from './command-io.ts';
import { exitOfCommander } from './run-command.ts';
import { clean } from './text.ts';

interface MigrateOptions {
  readonly store: string;
  readonly output: 'table' | 'json';
}

/** `holdfast migrate`: migrates a store to this version's schema without serving. */
export function registerMigrate(program: Command, io: CommandIo): void {
  const command = program
    .command('migrate')
    .summary('create or migrate the schema of a store, and serve nobody')
    .description(
      'Create the schema of a store, or bring it to the version of this Holdfast. Every coordinator does so when it starts; this does it alone, such as with another user’s rights, or before a restart rolls.',
    )
    .addOption(new Option('--store <url>', 'the store, as serve takes it').env('HOLDFAST_STORE').makeOptionMandatory())
    .addOption(
      new Option('-o, --output <form>', 'table for people, json for programs')
        .choices(['table', 'json'])
        .default('table'),
    )
    .addHelpText(
      'after',
      '\nExamples:\n  $ holdfast migrate --store postgres://owner@db/holdfast\n  $ holdfast migrate --store lmdb:/var/lib/holdfast -o json',
    )
    .exitOverride(exitOfCommander(io));
  command.action(async ({ store, output }: MigrateOptions) => {
    try {
      const versions = await migrate(store, (text) => io.err(clean(text)));
      io.out(output === 'json' ? JSON.stringify(versions) : inWords(versions));
    } catch (error) {
      const known = asCommandError(error);
      io.err(`holdfast: ${clean(known.message)}`);
      io.setExitCode(known.exitCode);
    }
  });
}

async function migrate(url: string, onWarning: (text: string) => void): Promise<SchemaVersions> {
  if (url.startsWith('memory:')) throw new CommandError(EXIT.usage, 'memory: forgets at exit: it has no schema');
  const store = await storeOf(url, onWarning);
  try {
    return await store.open();
  } finally {
    await store.close();
  }
}

function inWords({ found, current }: SchemaVersions): string {
  if (found === 0) return `✓ created: schema version ${current}`;
  return found === current
    ? `✓ nothing to do: schema version ${current}`
    : `✓ migrated: schema version ${found} → ${current}`;
}

function asCommandError(error: unknown): CommandError {
  if (error instanceof CommandError) return error;
  if (error instanceof ConfigError) return new CommandError(EXIT.usage, error.message);
  if (!(error instanceof StoreError)) throw error;
  return new CommandError(error.code === 'invalid' ? EXIT.usage : EXIT.unreachable, error.message);
}
