import { HoldfastError } from '@holdfast/protocol';
import { StoreError } from '@holdfast/core';
import { type Command, Option } from 'commander';
import { wantsColour } from './cli/command-io.ts';
import { ConfigError } from './config/config-error.ts';
import { loadConfig } from './config/load-config.ts';
import {
  defaultOf,
  flagOf,
  OPTION_NAMES,
  type OptionName,
  OPTIONS,
  type OptionSpec,
  type ServerConfig,
  variableOf,
} from './config/options.ts';
import { createLog } from './logs/create-log.ts';
import type { Log } from './logs/log.ts';
import { type RunningServer, startServer } from './serve.ts';
import { VERSION } from './version.ts';

const COULD_NOT_START = 1;
const WRONG_USAGE = 2;

/** Adds `serve`: a coordinator in the foreground, until SIGTERM or SIGINT. */
export function registerServe(program: Command): void {
  const command = program
    .command('serve')
    .summary('run a coordinator')
    .description(
      'Run a coordinator in the foreground. SIGTERM and SIGINT stop it in an orderly way; a second one at once.',
    )
    .option('--config <file>', 'YAML or JSON file with the options below, named as in it (env: HOLDFAST_CONFIG)')
    .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : WRONG_USAGE));
  for (const name of OPTION_NAMES) command.addOption(optionOf(name));
  command.addHelpText(
    'after',
    '\nOptions before environment before config file before defaults.\n\nExamples:\n  $ holdfast serve\n  $ holdfast serve --store lmdb:/var/lib/holdfast --log-format json\n  $ holdfast serve --store memory: --http-port 0',
  );
  command.action(async (flags: Readonly<Record<string, unknown>>) => {
    process.exitCode = await serve(flags);
  });
}

/** Shown as the table says; read by the table, too, so that all sources have the same words. */
function optionOf(name: OptionName): Option {
  const { kind, help, default: preset } = OPTIONS[name] as OptionSpec<unknown>;
  const shown = defaultOf(name);
  const notes = [...(shown === '' || preset === false ? [] : [`default: ${shown}`]), `env: ${variableOf(name)}`];
  const value = typeof preset === 'boolean' ? '' : ' <value>';
  const option = new Option(`${flagOf(name)}${value}`, `${help} (${notes.join(', ')})`);
  return kind.expects.startsWith('one of') ? option.choices(kind.expects.slice('one of '.length).split(', ')) : option;
}

/** Runs until it is told to stop; answers the exit code. */
async function serve(flags: Readonly<Record<string, unknown>>): Promise<number> {
  let config: ServerConfig;
  let log: Log;
  let server: RunningServer;
  try {
    const file = typeof flags['config'] === 'string' ? { file: flags['config'] } : {};
    config = await loadConfig({ flags, env: process.env, ...file });
    log = createLog({
      level: config.logLevel,
      format: config.logFormat,
      output: process.stdout,
      colour: wantsColour(process.stdout.isTTY, process.env),
    });
    endOnDefect(log);
    server = await startServer(config, { log });
  } catch (error) {
    if (!isExpected(error)) throw error;
    process.stderr.write(`holdfast: ${error.message}\n`);
    return COULD_NOT_START;
  }
  const { store, grpcPort } = config;
  log.info({ url: server.url, store: withoutPassword(store), version: VERSION }, `ready: ${server.url}`);
  if (grpcPort !== OPTIONS.grpcPort.default) log.warn({ grpcPort }, 'gRPC is not served by this version');
  return untilStopped(server, log);
}

type ExpectedError = ConfigError | StoreError | HoldfastError;

const isExpected = (error: unknown): error is ExpectedError =>
  error instanceof ConfigError || error instanceof StoreError || error instanceof HoldfastError;

async function untilStopped(server: RunningServer, log: Log): Promise<number> {
  const signal = await new Promise<string>((resolve) => {
    process.once('SIGTERM', resolve).once('SIGINT', resolve);
  });
  for (const again of ['SIGTERM', 'SIGINT']) process.on(again, () => process.exit(1));
  log.info({ signal }, 'stopping: new work is refused, what is under way is finished or released');
  await server.close();
  log.info({}, 'stopped');
  return 0;
}

/** A defect must not leave a coordinator that half works: what is durable goes on at the next start. */
function endOnDefect(log: Log): void {
  const end = (err: unknown): void => {
    log.error({ err }, 'stopping because of a defect');
    process.exit(1);
  };
  process.once('uncaughtException', end).once('unhandledRejection', end);
}

const withoutPassword = (url: string): string => url.replace(/(\/\/[^/:@]*):[^@/]*@/, '$1:***@');
