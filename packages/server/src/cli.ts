#!/usr/bin/env node
import { Command } from 'commander';
import { registerOperatorCommands } from './cli/register-commands.ts';
import { registerServe } from './serve-command.ts';
import { VERSION } from './version.ts';

const program = new Command('holdfast')
  .description('Either every service commits, or none does: a distributed transaction manager.')
  .version(VERSION, '-V, --version')
  .showHelpAfterError('(--help shows what there is)');

registerServe(program);
registerOperatorCommands(program);

program.parseAsync().catch((error: unknown) => {
  process.stderr.write(`holdfast: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
});
