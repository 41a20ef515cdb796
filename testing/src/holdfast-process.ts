import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { WORKSPACE } from './servers/patched-workspace.ts';

/** The command line of this build. */
export const CLI = join(WORKSPACE, 'packages/cli/dist/cli.js');

export interface HoldfastProcessOptions {
  /** The command line of another build; by default of this one. */
  readonly cliPath?: string;
  /** Variables in addition to PATH and HOME. Others of this process could change what is tested. */
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** A command that runs the process, with its arguments, such as `unshare --pid --fork`. */
  readonly runBy?: readonly string[];
}

/** A line of a coordinator's log in the format `json`. */
export type LogLine = Readonly<Record<string, unknown>> & { readonly msg: string };

const READY = /"msg":"ready: (https?:\/\/[^"]+)"/;

/** `holdfast serve`, or another command, in a separate process. */
export class HoldfastProcess implements AsyncDisposable {
  readonly child: ChildProcessByStdio<null, Readable, Readable>;
  /** Resolves to the exit code when the process has ended; null if a signal ended it. */
  readonly ended: Promise<number | null>;
  #out = '';
  #err = '';

  /** @param args the command and its options, as in a shell */
  constructor(args: readonly string[], options: HoldfastProcessOptions = {}) {
    const { cliPath = CLI, env, cwd, runBy = [] } = options;
    const { PATH, HOME } = process.env;
    const [program = process.execPath, ...rest] = [...runBy, process.execPath, cliPath, ...args];
    this.child = spawn(program, rest, {
      env: { PATH, HOME, ...env },
      ...(cwd !== undefined && { cwd }),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child.stdout.setEncoding('utf8').on('data', (text: string) => (this.#out += text));
    this.child.stderr.setEncoding('utf8').on('data', (text: string) => (this.#err += text));
    this.ended = once(this.child, 'close').then(([code]) => code as number | null);
  }

  /** What it wrote to its standard output. */
  get out(): string {
    return this.#out;
  }

  /** What it wrote to its standard error. */
  get err(): string {
    return this.#err;
  }

  /** The complete lines of its log. */
  get log(): readonly LogLine[] {
    const lines = this.#out.split('\n').slice(0, -1);
    return lines.map((line) => JSON.parse(line) as LogLine);
  }

  /** The coordinator's URL, once it accepts calls. Rejects with its output if it ends before. */
  async ready(): Promise<string> {
    for (;;) {
      const url = READY.exec(this.#out)?.[1];
      if (url !== undefined) return url;
      const printed = once(this.child.stdout, 'data').then(() => 'printed' as const);
      const first = await Promise.race([printed, this.ended]);
      if (first !== 'printed') throw new Error(`it ended with ${first}:\n${this.#out}${this.#err}`);
    }
  }

  /** Shuts it down, or sends another signal; resolves to its exit code. */
  stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    this.child.kill(signal);
    return this.ended;
  }

  async kill(): Promise<void> {
    await this.stop('SIGKILL');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}
