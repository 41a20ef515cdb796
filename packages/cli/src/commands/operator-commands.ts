import { type Command, InvalidArgumentError } from 'commander';
import type { CommandIo } from './command-io.ts';
import { type CommonOptions, operatorCommand, runCommand } from './run-command.ts';
import { commandAll } from './command-all.ts';

interface ReasonOptions extends CommonOptions {
  readonly reason?: string;
}

const GIDS = 'gids of transactions; - reads gids from standard input, one per line';

/** `holdfast retry GID…`: drives transactions immediately. */
export function registerRetry(program: Command, io: CommandIo): void {
  const command = program
    .command('retry')
    .summary('drive transactions now instead of at their next attempt')
    .description(
      'Drive unfinished transactions now instead of at their next attempt. Also resumes parked transactions.',
    )
    .argument('<gid...>', GIDS)
    .option('--reason <text>', 'the reason; recorded in the audit log');
  operatorCommand(command, io, ['retry 01jd8m2w3h7q', 'list --attention --all -o ids | holdfast retry -']);
  command.action((gids: string[], options: ReasonOptions) =>
    runCommand(io, options, (context) =>
      commandAll(context, options, { command: 'retry', done: 'driven now', body: bodyOf(options) }, gids),
    ),
  );
}

/** `holdfast abort GID…`: rolls transactions back. */
export function registerAbort(program: Command, io: CommandIo): void {
  const command = program
    .command('abort')
    .summary('roll back transactions')
    .description(
      'Roll back unfinished transactions: every branch that may have run is compensated, and each compensation is retried until it succeeds. A prepared message is discarded.',
    )
    .argument('<gid...>', GIDS)
    .option('--reason <text>', 'the reason; shown in the timeline and to callers that wait');
  operatorCommand(command, io, ['abort 01jd8m2w3h7q --reason "ordered by mistake"']);
  command.action((gids: string[], options: ReasonOptions) =>
    runCommand(io, options, (context) =>
      commandAll(context, options, { command: 'abort', done: 'rolling back', body: bodyOf(options) }, gids),
    ),
  );
}

/** `holdfast stop GID…`: force-stops transactions. */
export function registerStop(program: Command, io: CommandIo): void {
  const command = program
    .command('stop')
    .summary('force-stop transactions: they are never driven again, nothing is compensated')
    .description(
      'Force-stop unfinished transactions: each becomes failed and is never driven again. Nothing is compensated; the effects of its branches remain and must be corrected by hand ("holdfast show" lists them). To roll back instead, use abort.',
    )
    .argument('<gid...>', GIDS)
    .requiredOption(
      '--reason <text>',
      'the reason; shown in the timeline, in lists and to callers that wait',
      notBlank,
    );
  operatorCommand(command, io, [
    'stop 01jd8m2w3h7q --reason "the carrier no longer exists; refunded by hand"',
    'stop - --reason "INC-42" < gids.txt',
  ]);
  command.action((gids: string[], options: CommonOptions & { readonly reason: string }) =>
    runCommand(io, options, (context) => {
      const body = { reason: options.reason };
      return commandAll(context, options, { command: 'stop', done: 'force-stopped', body }, gids);
    }),
  );
}

const bodyOf = ({ reason }: ReasonOptions) => (reason === undefined ? {} : { reason });

function notBlank(text: string): string {
  if (text.trim() === '') throw new InvalidArgumentError('The reason must not be empty.');
  return text;
}
