import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';
import type { Readable } from 'node:stream';
import { ended, endedOrKilled, ownChild } from './process-end.ts';

interface Running {
  readonly child: ChildProcess;
  readonly output: Interface;
  /** The last lines of its standard error. */
  readonly errors: string[];
}

/** How a program ended. */
export interface ProgramEnd {
  /** Undefined: the program ended on its own with the code 0. Otherwise its exit code or signal. */
  readonly failure: string | undefined;
  /** The last lines of its standard error. */
  readonly errors: readonly string[];
}

const MOST_ERROR_LINES = 20;
const LONGEST_ERROR_LINE = 1_000;

/** A program of this test in a separate process, which may be killed. */
export class Program {
  readonly #command: readonly string[];
  #running: Running | undefined;
  #isEnding = false;
  #died = false;

  /**
   * @param command path of the built program (a process cannot run the sources), and its arguments
   */
  constructor(...command: readonly string[]) {
    this.#command = command;
  }

  /** Whether it ended without having been killed or stopped. */
  get died(): boolean {
    return this.#died;
  }

  /**
   * Starts it, with additions to its environment; resolves to the first line that it prints.
   * Rejects when it ends without one.
   */
  async start(environment: Readonly<Record<string, string>> = {}): Promise<string> {
    const env = { ...process.env, ...environment };
    const child = spawn(process.execPath, this.#command, { stdio: 'pipe', env });
    ownChild(child);
    child.once('exit', () => (this.#died = !this.#isEnding));
    // A line to a process that was killed.
    child.stdin.on('error', () => undefined);
    const output = createInterface({ input: child.stdout });
    const errors = keepLast(child.stderr);
    this.#running = { child, output, errors };
    const line = await nextLine(output);
    if (line === undefined) throw new Error(`${this.#command[0]} did not start`);
    return line;
  }

  /**
   * Writes a line to its standard input; resolves to the next line that it prints, undefined when
   * it ends without one.
   */
  async request(line: string): Promise<string | undefined> {
    if (this.#running === undefined) return undefined;
    const { child, output } = this.#running;
    const reply = nextLine(output);
    child.stdin?.write(`${line}\n`);
    return reply;
  }

  /** SIGKILL; returns when the process is gone. */
  async kill(): Promise<void> {
    this.#isEnding = true;
    this.#running?.child.kill('SIGKILL');
    if (this.#running !== undefined) await ended(this.#running.child);
  }

  /** Ends its standard input, and waits for its end; kills it if that takes longer than this. */
  async stop(patienceMs: number): Promise<ProgramEnd> {
    this.#isEnding = true;
    if (this.#running === undefined) return { failure: 'not running', errors: [] };
    const { child, errors } = this.#running;
    child.stdin?.end();
    const outlived = await endedOrKilled(child, patienceMs);
    // What it printed last.
    if (child.stderr?.closed === false) await once(child.stderr, 'close');
    return { failure: failureOf(child, outlived ? ` after ${patienceMs} ms` : ''), errors };
  }
}

function failureOf({ exitCode, signalCode }: ChildProcess, when: string): string | undefined {
  if (signalCode !== null) return `${signalCode}${when}`;
  return exitCode === 0 ? undefined : `exit code ${exitCode}`;
}

/** The last lines of an output, which is copied to the standard error of this process. */
function keepLast(output: Readable): string[] {
  const lines: string[] = [];
  createInterface({ input: output }).on('line', (line) => {
    console.error(line);
    lines.push(line.slice(0, LONGEST_ERROR_LINE));
    if (lines.length > MOST_ERROR_LINES) lines.shift();
  });
  return lines;
}

async function nextLine(output: Interface): Promise<string | undefined> {
  const line = once(output, 'line').then(([text]: unknown[]) => String(text));
  return Promise.race([line, once(output, 'close').then(() => undefined)]);
}
