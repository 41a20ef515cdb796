import type { Command } from 'commander';
import type { CommandIo } from './command-io.ts';
import { exitOfCommander } from './run-command.ts';

/**
 * `holdfast help COMMAND SUBCOMMAND`: prints the help of a command or subcommand. commander's
 * `help` ignores unknown names and all names after the first.
 */
export function registerHelp(program: Command, io: CommandIo): void {
  const help = program
    .helpCommand(false)
    .command('help')
    .summary('print the help of a command')
    .description('Print the help of a command.')
    .argument('[command...]', 'the command, with its subcommand if any')
    .exitOverride(exitOfCommander(io));
  help.action((names: readonly string[]) => {
    if (names.length === 0) {
      program.outputHelp();
      return io.exit(0);
    }
    let found = program;
    for (const name of names) {
      const next = found.commands.find((command) => command.name() === name);
      if (next === undefined) return help.error(`error: unknown command '${names.join(' ')}'`);
      found = next;
    }
    found.help();
  });
}
