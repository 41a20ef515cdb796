import type { Command } from 'commander';
import type { CommandIo } from './command-io.ts';
import { type CommonOptions, operatorCommand, runCommand } from './run-command.ts';
import { renderTimeline } from '../output/timeline.ts';
import { readTransaction } from '../coordinator/transactions-api.ts';

/** `holdfast show GID`: prints one transaction with its timeline. */
export function registerShow(program: Command, io: CommandIo): void {
  const command = program
    .command('show')
    .summary('show one transaction with its timeline')
    .description(
      'Show one transaction with its timeline: calls, retries with their reasons, compensations, operator commands, and takeovers after a crash.',
    )
    .argument('<gid>', 'the transaction');
  operatorCommand(command, io, ['show 01jd8m2w3h7q', 'show 01jd8m2w3h7q -o json | jq .branches']);
  command.action((gid: string, options: CommonOptions) =>
    runCommand(io, options, async ({ api }) => {
      const details = await readTransaction(api, gid);
      if (options.output === 'json') return io.out(JSON.stringify(details, undefined, 2));
      if (options.output === 'ids') return io.out(details.gid);
      io.out(renderTimeline(details, { colour: io.colour, width: io.width, nowMs: io.nowMs() }));
    }),
  );
}
