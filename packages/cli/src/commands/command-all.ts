import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import type { Status } from '@holdfast/protocol';
import { CommandError, EXIT, type ExitCode } from './command-error.ts';
import type { CommandIo } from './command-io.ts';
import { PARALLEL_REQUESTS } from '../coordinator/coordinator-api.ts';
import type { CommandContext, CommonOptions, OutputForm } from './run-command.ts';
import { clean, type Paint, painter } from '../output/text.ts';
import { type OperatorCommand, commandTransaction } from '../coordinator/transactions-api.ts';

export interface CommandSpec {
  readonly command: OperatorCommand;
  /** The text for a transaction on which the command succeeded. */
  readonly done: string;
  readonly body?: { readonly reason?: string };
}

interface Outcome {
  readonly gid: string;
  readonly status?: Status;
  readonly error?: string;
}

/**
 * Sends the same operator command for many transactions, a few at a time, and reports each result.
 */
export async function commandAll(
  { api, io }: CommandContext,
  { output }: CommonOptions,
  spec: CommandSpec,
  gids: readonly string[],
): Promise<void> {
  const report = new CommandReport(output, io, spec);
  const queue = eachGid(gids, io);
  const work = async () => {
    for await (const gid of queue) report.add(await commandOne(gid));
  };
  const commandOne = async (gid: string): Promise<Outcome> => {
    try {
      return { gid, status: (await commandTransaction(api, gid, spec.command, spec.body)).status };
    } catch (error) {
      // The coordinator is unreachable: the remaining commands would fail as well.
      if (!(error instanceof CommandError) || error.exitCode === EXIT.unreachable) throw error;
      return { gid, error: error.message };
    }
  };
  await Promise.all(Array.from({ length: PARALLEL_REQUESTS }, work));
  io.setExitCode(report.end());
}

/**
 * The gids of the arguments; `-` reads gids from standard input as they arrive. Several consumers
 * share the generator.
 */
async function* eachGid(gids: readonly string[], io: CommandIo): AsyncGenerator<string> {
  for (const gid of gids) {
    if (gid !== '-') {
      yield gid;
      continue;
    }
    for await (const line of createInterface({ input: Readable.from(io.input), crlfDelay: Infinity })) {
      if (line.trim() !== '') yield line.trim();
    }
  }
}

/** Prints each result at once and keeps only counts, so that memory is bounded. */
class CommandReport {
  readonly #output: OutputForm;
  readonly #io: CommandIo;
  readonly #spec: CommandSpec;
  readonly #paint: Paint;
  #done = 0;
  #failed = 0;

  constructor(output: OutputForm, io: CommandIo, spec: CommandSpec) {
    this.#output = output;
    this.#io = io;
    this.#spec = spec;
    this.#paint = painter(io.colour);
  }

  add(outcome: Outcome): void {
    if (outcome.error === undefined) this.#done++;
    else this.#failed++;
    switch (this.#output) {
      case 'json':
        return this.#io.out(JSON.stringify(outcome));
      case 'ids':
        return outcome.error === undefined
          ? this.#io.out(outcome.gid)
          : this.#io.err(`holdfast: ${clean(outcome.error)}`);
      case 'table':
        return this.#io.out(this.#line(outcome));
    }
  }

  #line({ gid, status, error }: Outcome): string {
    const mark = error === undefined ? this.#paint('green', '✓') : this.#paint('red', '✗');
    return `${mark} ${clean(gid)}  ${error === undefined ? `${this.#spec.done} (${status})` : clean(error)}`;
  }

  /** Prints a summary unless there was exactly one transaction. */
  end(): ExitCode {
    const all = this.#done + this.#failed;
    if (all === 0) this.#io.err('no gid was specified');
    if (all > 1) this.#io.err(`${this.#done} of ${all} ${this.#spec.done}, ${this.#failed} not`);
    return this.#failed === 0 ? EXIT.done : EXIT.refused;
  }
}
