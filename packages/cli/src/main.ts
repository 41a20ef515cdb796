import { stackOfThrown, textOfThrown, withoutSecrets } from '@holdfast/protocol';
import { Command } from 'commander';
import { surviveClosedOutput } from './closed-output.ts';
import { shownArguments } from './process-title.ts';
import { registerServe } from './serve/serve-command.ts';
import { VERSION } from '@holdfast/server/config';

const WRONG_USAGE = 2;

const program = new Command('holdfast')
  .description('Either every service commits, or none does: a distributed transaction manager.')
  .version(VERSION, '-V, --version')
  .showHelpAfterError('(see --help)')
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : WRONG_USAGE));

surviveClosedOutput();
hideSecretsFromProcessList();
registerServe(program);
run().catch((error: unknown) => {
  process.stderr.write(`holdfast: ${withoutSecrets(stackOfThrown(error) ?? textOfThrown(error))}\n`);
  process.exitCode = 1;
});

/**
 * Other users of the machine can read the arguments of a process: arguments with a secret are
 * replaced.
 */
function hideSecretsFromProcessList(): void {
  const args = process.argv.slice(2);
  const title = ['holdfast', ...args].join(' ');
  const shown = withoutSecrets(['holdfast', ...shownArguments(args)].join(' '));
  if (shown !== title) process.title = shown;
}

async function run(): Promise<void> {
  // `serve` starts faster without the other commands.
  if (process.argv[2] !== 'serve') {
    const { registerOperatorCommands } = await import('./commands/register-commands.ts');
    registerOperatorCommands(program);
  }
  await program.parseAsync();
}
