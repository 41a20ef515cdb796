import { StoreError } from '@holdfast/core';
import { HoldfastError } from '@holdfast/protocol';
import { wantsColour } from './cli/command-io.ts';
import { ConfigError } from './config/config-error.ts';
import { loadConfig } from './config/load-config.ts';
import { OPTIONS } from './config/options.ts';
import { createLog } from './logs/create-log.ts';
import type { Log } from './logs/log.ts';
import { type RunningServer, startServer } from './serve.ts';
import { VERSION } from './version.ts';

const FAILED = 1;

/** Runs a coordinator until it is told to stop; answers the exit code. */
export async function runServe(flags: Readonly<Record<string, unknown>>): Promise<number> {
  // Before anything is opened, so that a signal never ends it in the middle of something.
  const stop = stopSignal();
  try {
    const file = typeof flags['config'] === 'string' ? { file: flags['config'] } : {};
    const config = await loadConfig({ flags, env: process.env, ...file });
    const log = createLog({
      level: config.logLevel,
      format: config.logFormat,
      output: process.stdout,
      colour: wantsColour(process.stdout.isTTY, process.env),
    });
    endOnDefect(log);
    const server = await startServer(config, { log });
    announce(server, log);
    log.info({ signal: await stop }, 'stopping: new work is refused, what is under way is finished or released');
    await server.close();
    log.info({}, 'stopped');
    return 0;
  } catch (error) {
    if (!isExpected(error)) throw error;
    process.stderr.write(`holdfast: ${error.message}\n`);
    return FAILED;
  }
}

function announce({ url, config: { store, grpcPort } }: RunningServer, log: Log): void {
  if (grpcPort !== OPTIONS.grpcPort.default) log.warn({ grpcPort }, 'gRPC is not served by this version');
  log.info({ url, store: withoutPassword(store), version: VERSION }, `ready: ${url}`);
}

/** The first signal stops it in an orderly way, a second one at once. */
function stopSignal(): Promise<string> {
  return new Promise((resolve) => {
    let told = false;
    const onSignal = (signal: string): void => {
      if (told) process.exit(FAILED);
      told = true;
      resolve(signal);
    };
    process.on('SIGTERM', onSignal).on('SIGINT', onSignal);
  });
}

type ExpectedError = ConfigError | StoreError | HoldfastError;

const isExpected = (error: unknown): error is ExpectedError =>
  error instanceof ConfigError || error instanceof StoreError || error instanceof HoldfastError;

/** A defect must not leave a coordinator that half works: what is durable goes on at the next start. */
function endOnDefect(log: Log): void {
  const end = (err: unknown): void => {
    log.error({ err }, 'stopping because of a defect');
    process.exit(FAILED);
  };
  process.once('uncaughtException', end).once('unhandledRejection', end);
}

const withoutPassword = (url: string): string => url.replace(/(\/\/[^/:@]*):[^@/]*@/, '$1:***@');
