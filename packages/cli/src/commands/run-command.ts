import { type Command, type CommanderError, Option } from 'commander';
import { CommandError, EXIT } from './command-error.ts';
import type { CommandIo } from './command-io.ts';
import { callerOf } from '../coordinator/caller.ts';
import { readClientTls, withTlsOptions } from '../coordinator/client-tls.ts';
import { CoordinatorApi } from '../coordinator/coordinator-api.ts';
import { secretValue } from '../coordinator/secret-value.ts';
import { clean } from '../output/text.ts';

export type OutputForm = 'table' | 'json' | 'ids';

/** Options that every operator command has. */
export interface CommonOptions {
  readonly server: string;
  readonly output: OutputForm;
  readonly tokenFile?: string;
  readonly namespace?: string;
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
}

export const DEFAULT_SERVER = 'http://127.0.0.1:36789';

/** The input of a command's work. */
export interface CommandContext {
  readonly api: CoordinatorApi;
  readonly io: CommandIo;
}

/** Adds `--server` and `-o`, examples, and exit code 2 for wrong usage. */
export function operatorCommand(command: Command, io: CommandIo, examples: readonly string[]): Command {
  return withTlsOptions(command)
    .addOption(new Option('--server <url>', 'the coordinator to use').env('HOLDFAST_SERVER').default(DEFAULT_SERVER))
    .addOption(
      new Option('--token-file <file>', 'file with the API token to use (or set HOLDFAST_TOKEN)').env(
        'HOLDFAST_TOKEN_FILE',
      ),
    )
    .addOption(
      new Option('--namespace <name>', 'the namespace to act in, if not the only one of the token').env(
        'HOLDFAST_NAMESPACE',
      ),
    )
    .addOption(
      new Option('-o, --output <form>', 'table (human-readable), json, or ids (one gid per line)')
        .choices(['table', 'json', 'ids'] satisfies OutputForm[])
        .default('table'),
    )
    .addHelpText('after', `\nExamples:\n${examples.map((example) => `  $ holdfast ${example}`).join('\n')}`)
    .exitOverride(exitOfCommander(io));
}

/** Exits after commander has printed the requested help or a usage error. */
export const exitOfCommander =
  (io: CommandIo) =>
  (error: CommanderError): never =>
    io.exit(error.exitCode === 0 ? EXIT.done : EXIT.usage);

/**
 * Runs a command's work: prints an error as one line, sets the exit code, closes the connections.
 */
export async function runCommand(
  io: CommandIo,
  options: CommonOptions,
  work: (context: CommandContext) => Promise<void>,
): Promise<void> {
  let api: CoordinatorApi | undefined;
  try {
    const server = await secretValue('--server', options.server);
    const tls = await readClientTls(options, server);
    api = new CoordinatorApi(server, { ...(await callerOf(options)), ...(tls !== undefined && { tls }) });
    await work({ api, io });
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    io.err(`holdfast: ${clean(error.message)}`);
    io.setExitCode(error.exitCode);
  } finally {
    await api?.close();
  }
}
