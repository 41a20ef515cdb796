import { type SchemaVersions, StoreError } from '@holdfast/core/store';
import type { StoreTls } from '@holdfast/core/store-kit';
import { type Command, Option } from 'commander';
import { ConfigError } from '@holdfast/server/config';
import { storeOf } from '@holdfast/server/store';
import { CommandError, EXIT } from './command-error.ts';
import type { CommandIo } from './command-io.ts';
import { exitOfCommander } from './run-command.ts';
import { readStoreTls, type StoreTlsOptions, withStoreTlsOptions } from '../database/store-tls-options.ts';
import { clean } from '../output/text.ts';

interface MigrateOptions extends StoreTlsOptions {
  readonly store: string;
  readonly output: 'table' | 'json';
}

/** `holdfast migrate`: migrates a store to this version's schema without serving. */
export function registerMigrate(program: Command, io: CommandIo): void {
  const command = withStoreTlsOptions(program.command('migrate'))
    .summary('create or migrate the schema of a store without starting a coordinator')
    .description(
      'Create the schema of a store, or migrate it to the version that this Holdfast uses. Every coordinator does this when it starts; this command does only this, for example with the privileges of another database user, or before a rolling restart.',
    )
    .addOption(new Option('--store <url>', 'the store, as for serve').env('HOLDFAST_STORE').makeOptionMandatory())
    .addOption(
      new Option('-o, --output <form>', 'table (human-readable) or json').choices(['table', 'json']).default('table'),
    )
    .addHelpText(
      'after',
      '\nExamples:\n  $ holdfast migrate --store postgres://owner@db/holdfast\n  $ holdfast migrate --store lmdb:/var/lib/holdfast -o json',
    )
    .exitOverride(exitOfCommander(io));
  command.action(async ({ store, output, ...tls }: MigrateOptions) => {
    try {
      const versions = await migrate(store, readStoreTls(tls), (text) => io.err(clean(text)));
      io.out(output === 'json' ? JSON.stringify(versions) : inWords(versions));
    } catch (error) {
      const known = asCommandError(error);
      io.err(`holdfast: ${clean(known.message)}`);
      io.setExitCode(known.exitCode);
    }
  });
}

async function migrate(url: string, tls: StoreTls, onWarning: (text: string) => void): Promise<SchemaVersions> {
  if (url.startsWith('memory:'))
    throw new CommandError(EXIT.usage, 'the memory: store has no schema: its contents are lost at exit');
  const store = await storeOf(url, onWarning, tls);
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
