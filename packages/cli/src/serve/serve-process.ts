import { StoreError } from '@holdfast/core/store';
import { HoldfastError } from '@holdfast/protocol';
import { wantsColour } from '../commands/command-io.ts';
import { ConfigError, type ServerConfig } from '@holdfast/server/config';
import { createLog, type Log } from '@holdfast/server/logs';

/**
 * Exit code of a process that could not start, or ended because of an internal error or a second
 * signal.
 */
export const FAILED = 1;

/** The log of a serving process, on standard output; `fields` are added to each line. */
export const createServeLog = (
  { logLevel, logFormat }: ServerConfig,
  fields: Readonly<Record<string, unknown>> = {},
): Log =>
  createLog({
    level: logLevel,
    format: logFormat,
    output: process.stdout,
    colour: wantsColour(process.stdout.isTTY, process.env),
    fields,
  });

/**
 * Shows the first token of a store, which cannot be shown again. Not through the log, which is kept
 * and collected.
 */
export function showBootstrapToken({ bootstrapToken }: { readonly bootstrapToken: string | undefined }): void {
  if (bootstrapToken === undefined) return;
  process.stderr.write(
    `\nThe first API token of this store, with the role admin. It is shown only now; keep it in a safe place:\n\n  ${bootstrapToken}\n\n` +
      'Create tokens for services with: HOLDFAST_TOKEN=… holdfast token create NAME --role submitter\n\n',
  );
}

/** Whether the cause is external; the message then states what to do. */
export const isExpected = (error: unknown): error is ConfigError | StoreError | HoldfastError =>
  error instanceof ConfigError || error instanceof StoreError || error instanceof HoldfastError;

/**
 * Ends the process on an internal error, so that no half-working coordinator remains; durable work
 * resumes after the next start.
 */
export function endOnDefect(log: Log): void {
  const end = (err: unknown): void => {
    log.error({ err }, 'shutting down because of an internal error');
    process.exit(FAILED);
  };
  process.once('uncaughtException', end).once('unhandledRejection', end);
}
