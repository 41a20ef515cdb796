import type { Command } from 'commander';
import type { CommandIo } from './command-io.ts';
import { type CommonOptions, operatorCommand, runCommand } from './run-command.ts';
import { orderAll } from './order-all.ts';

interface AbortOptions extends CommonOptions {
  readonly reason?: string;
}

const GIDS = 'the transactions; - reads gids from standard input, one a line';

/** `holdfast retry GID…`: drives transactions now. */
export function registerRetry(program: Command, io: CommandIo): void {
  const command = program
    .command('retry')
    .summary('drive transactions now instead of at their next attempt')
    .description('Drive unfinished transactions now instead of at their next attempt; also those that are parked.')
    .argument('<gid...>', GIDS);
  operatorCommand(command, io, ['retry 01jd8m2w3h7q', 'list --attention --all -o ids | holdfast retry -']);
  command.action((gids: string[], options: CommonOptions) =>
    runCommand(io, options, (context) => orderAll(context, options, { order: 'retry', done: 'driven now' }, gids)),
  );
}

/** `holdfast abort GID…`: turns transactions back. */
export function registerAbort(program: Command, io: CommandIo): void {
  const command = program
    .command('abort')
    .summary('roll transactions back')
    .description(
      'Roll unfinished transactions back: what was done is undone, branch by branch, and retried until it is. A prepared message is given up.',
    )
    .argument('<gid...>', GIDS)
    .option('--reason <text>', 'why; shown in the timeline and to callers who wait');
  operatorCommand(command, io, ['abort 01jd8m2w3h7q --reason "ordered by mistake"']);
  command.action((gids: string[], options: AbortOptions) =>
    runCommand(io, options, (context) => {
      const body = options.reason === undefined ? {} : { reason: options.reason };
      return orderAll(context, options, { order: 'abort', done: 'turned back', body }, gids);
    }),
  );
}

/** `holdfast stop GID…`: gives transactions up. */
export function registerStop(program: Command, io: CommandIo): void {
  const command = program
    .command('stop')
    .summary('give transactions up: they are never driven again, nothing is undone')
    .description(
      'Give unfinished transactions up: each becomes failed and is never driven again. Nothing is undone: what its branches did stays, for you to put right. To undo it, use abort.',
    )
    .argument('<gid...>', GIDS);
  operatorCommand(command, io, ['stop 01jd8m2w3h7q', 'stop - < gids.txt']);
  command.action((gids: string[], options: CommonOptions) =>
    runCommand(io, options, (context) => orderAll(context, options, { order: 'stop', done: 'given up' }, gids)),
  );
}
