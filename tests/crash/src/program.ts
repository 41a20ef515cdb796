import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';
import { ended, endedOrKilled, ownChild } from './process-end.ts';

interface Running {
  readonly child: ChildProcess;
  readonly output: Interface;
}

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
    const child = spawn(process.execPath, this.#command, { stdio: ['pipe', 'pipe', 'inherit'], env });
    ownChild(child);
    child.once('exit', () => (this.#died = !this.#isEnding));
    // A line to a process that was killed.
    child.stdin.on('error', () => undefined);
    const output = createInterface({ input: child.stdout });
    this.#running = { child, output };
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

  /**
   * Ends its standard input, and waits for its end; resolves to its exit code, null when it was
   * killed.
   */
  async stop(patienceMs: number): Promise<number | null> {
    this.#isEnding = true;
    if (this.#running === undefined) return null;
    const { child } = this.#running;
    child.stdin?.end();
    await endedOrKilled(child, patienceMs);
    return child.exitCode;
  }
}

async function nextLine(output: Interface): Promise<string | undefined> {
  const line = once(output, 'line').then(([text]: unknown[]) => String(text));
  return Promise.race([line, once(output, 'close').then(() => undefined)]);
}
