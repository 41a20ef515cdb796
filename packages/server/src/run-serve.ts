import { StoreError } from '@holdfast/core';
import { HoldfastError } from '@holdfast/protocol';
import { wantsColour } from './cli/command-io.ts';
import { ConfigError } from './config/config-error.ts';
import { loadConfig } from './config/load-config.ts';
import { OPTIONS, type ServerConfig } from './config/options.ts';
import { createLog } from './logs/create-log.ts';
import type { Log } from './logs/log.ts';
import { type RunningServer, startServer } from './serve.ts';
import { VERSION } from './version.ts';

const COULD_NOT_START = 1;

/** Runs a coordinator until it is told to stop; answers the exit code. */
export async function runServe(flags: Readonly<Record<string, unknown>>): Promise<number> {
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
