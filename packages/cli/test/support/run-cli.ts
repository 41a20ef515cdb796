import { Command } from 'commander';
import type { CommandIo } from '../../src/commands/command-io.ts';
import { registerOperatorCommands } from '../../src/commands/register-commands.ts';

export interface CliResult {
  readonly out: string[];
  readonly err: string[];
  readonly exitCode: number;
}

export const NOW_MS = Date.UTC(2026, 0, 31, 12, 1, 0);

/** The command ended its process. */
class Exit extends Error {}

const everyCommand = (command: Command): Command[] => [command, ...command.commands.flatMap(everyCommand)];

/** A terminal without colours at a fixed time; discards what a test does not read. */
export const ioOf = (io: Partial<CommandIo>): CommandIo => ({
  out: () => {},
  err: () => {},
  input: (async function* () {})(),
  colour: false,
  width: 100,
  nowMs: () => NOW_MS,
  setExitCode: () => {},
  exit: () => {
    throw new Exit();
  },
  ...io,
});

/** Runs one operator command in this process, as the command line would. */
export async function runCli(args: readonly string[], input: readonly string[] = []): Promise<CliResult> {
  const out: string[] = [];
  const err: string[] = [];
  let exitCode = 0;
  const program = new Command('holdfast').exitOverride();
  registerOperatorCommands(
    program,
    ioOf({
      out: (line) => void out.push(...line.split('\n')),
      err: (line) => void err.push(line),
      input: (async function* () {
        yield* input;
      })(),
      setExitCode: (code) => (exitCode = code),
      exit: (code) => {
        exitCode = code;
        throw new Exit();
      },
    }),
  );
  for (const command of everyCommand(program)) {
    command.configureOutput({ writeOut: (text) => void out.push(text), writeErr: (text) => void err.push(text) });
  }
  await program.parseAsync(args, { from: 'user' }).catch((error: unknown) => {
    if (!(error instanceof Exit)) throw error;
  });
  return { out, err, exitCode };
}
