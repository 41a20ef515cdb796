#!/usr/bin/env node
import { Command } from 'commander';
import { surviveClosedOutput } from './closed-output.ts';
import { registerServe } from './serve-command.ts';
import { VERSION } from './version.ts';

const program = new Command('holdfast')
  .description('Either every service commits, or none does: a distributed transaction manager.')
  .version(VERSION, '-V, --version')
  .showHelpAfterError('(--help shows what there is)');

surviveClosedOutput();
registerServe(program);
run().catch((error: unknown) => {
  process.stderr.write(`holdfast: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
});

async function run(): Promise<void> {
  // A coordinator that starts need not load the other commands.
  if (process.argv[2] !== 'serve') {
    const { registerOperatorCommands } = await import('./cli/register-commands.ts');
    registerOperatorCommands(program);
  }
  await program.parseAsync();
}
