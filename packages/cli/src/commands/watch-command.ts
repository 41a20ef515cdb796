import type { TransactionDetails } from '@holdfast/protocol';
import type { Command } from 'commander';
import { watchTransaction } from '../coordinator/transactions-api.ts';
import { renderChanges, renderTimeline } from '../output/timeline.ts';
import { EXIT } from './command-error.ts';
import type { CommandIo } from './command-io.ts';
import { type CommonOptions, operatorCommand, runCommand } from './run-command.ts';

/** `holdfast watch GID`: follows one transaction to its end. */
export function registerWatch(program: Command, io: CommandIo): void {
  const command = program
    .command('watch')
    .summary('follow one transaction until it has finished')
    .description(
      'Follow one transaction until it has finished: print its timeline, and then each new entry. Exit code 0: it succeeded; 1: it failed.',
    )
    .argument('<gid>', 'the transaction');
  operatorCommand(command, io, ['watch 01jd8m2w3h7q', 'watch 01jd8m2w3h7q -o json | jq -c .status']);
  command.action((gid: string, options: CommonOptions) =>
    runCommand(io, options, async ({ api }) => {
      let last: TransactionDetails | undefined;
      for await (const details of watchTransaction(api, gid)) {
        const text = textOf(details, last, options, io);
        if (text !== '') io.out(text);
        last = details;
      }
      if (options.output === 'ids') io.out(gid);
      if (last?.status === 'failed') io.setExitCode(EXIT.refused);
    }),
  );
}

function textOf(
  details: TransactionDetails,
  last: TransactionDetails | undefined,
  { output }: CommonOptions,
  { colour, width }: CommandIo,
): string {
  if (output === 'ids') return '';
  if (output === 'json') return JSON.stringify(details);
  return last === undefined
    ? renderTimeline(details, { colour, width })
    : renderChanges(last, details, { colour, width });
}
