import type { Command } from 'commander';
import { registerAudit } from './audit-command.ts';
import { registerBarrierSchema } from './barrier-schema-command.ts';
import { type CommandIo, processIo } from './command-io.ts';
import { registerDoctor } from '../doctor/doctor-command.ts';
import { registerImport } from '../dtm-import/import-command.ts';
import { registerHelp } from './help-command.ts';
import { registerList } from './list-command.ts';
import { registerMigrate } from './migrate-command.ts';
import { registerNodes } from './nodes-command.ts';
import { registerAbort, registerRetry, registerStop } from './operator-commands.ts';
import { registerShow } from './show-command.ts';
import { registerTokens } from './token-command.ts';
import { registerTopics } from './topics-command.ts';
import { registerWatch } from './watch-command.ts';
import { registerXa } from '../xa-recover/xa-recover-command.ts';

/**
 * Adds the operator commands; most send requests to a running coordinator. `serve` is registered
 * separately.
 */
export function registerOperatorCommands(program: Command, io: CommandIo = processIo()): void {
  registerList(program, io);
  registerShow(program, io);
  registerWatch(program, io);
  registerRetry(program, io);
  registerAbort(program, io);
  registerStop(program, io);
  registerTopics(program, io);
  registerNodes(program, io);
  registerTokens(program, io);
  registerAudit(program, io);
  registerMigrate(program, io);
  registerBarrierSchema(program, io);
  registerXa(program, io);
  registerDoctor(program, io);
  registerImport(program, io);
  registerHelp(program, io);
}
