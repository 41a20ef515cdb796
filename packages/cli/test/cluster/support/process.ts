import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { vi } from 'vitest';
import { TestClient } from '@holdfast/testing/test-server';

/** The command line of this build. */
export const CLI = fileURLToPath(new URL('../../../dist/cli.js', import.meta.url));

export type LogLine = Readonly<Record<string, unknown>> & { readonly msg: string };

/** Short limits, so that a test takes seconds where an installation takes a quarter of a minute. */
export const SILENCE_MS = 3_000;
const QUICK = ['--heartbeat', '500ms', '--silence', `${SILENCE_MS}ms`, '--poll', '200ms', '--progress-flush', '200ms'];

/** A real coordinator process, or several on one port. */
export class Coordinator extends TestClient implements AsyncDisposable {
  readonly child: ChildProcess;
  readonly #output: { out: string; err: string };
  readonly ended: Promise<number | null>;

  private constructor(
    url: string,
    child: ChildProcess,
    output: { out: string; err: string },
    ended: Promise<number | null>,
  ) {
    super(url);
    this.child = child;
    this.#output = output;
    this.ended = ended;
  }

  /** Starts a coordinator; waits until it is ready. */
  static async start(store: string, ...args: string[]): Promise<Coordinator> {
    return Coordinator.startBuild(CLI, store, ...args);
  }

  /** Starts the command line of another build; waits until it is ready. */
  static async startBuild(cliPath: string, store: string, ...args: string[]): Promise<Coordinator> {
    const run = Coordinator.#launch(cliPath, store, args);
    const url = await run.ready;
    return new Coordinator(url, run.child, run.output, run.ended);
  }

  /** Starts one that may not come up. */
  static launch(store: string, ...args: string[]) {
    return Coordinator.#launch(CLI, store, args);
  }

  static #launch(cliPath: string, store: string, args: readonly string[]) {
    const env = { PATH: process.env['PATH'], HOME: process.env['HOME'] };
    const all = ['serve', '--store', store, '--http-port', '0', ...QUICK, ...args];
    const child = spawn(process.execPath, [cliPath, ...all], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    const output = { out: '', err: '' };
    child.stdout.on('data', (chunk: Buffer) => (output.out += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output.err += chunk.toString()));
    const ended = once(child, 'close').then(([code]) => code as number | null);
    const ready = new Promise<string>((resolve, reject) => {
      child.stdout.on('data', () => {
        const found = /"url":"([^"]+)"/.exec(output.out)?.[1];
        if (found !== undefined) resolve(found);
      });
      void ended.then((code) => reject(new Error(`it ended with ${code}: ${output.err}`)));
    });
    // Who waits for its end does not wait for it to be ready.
    ready.catch(() => undefined);
    return { child, output, ended, ready };
  }

  get log(): readonly LogLine[] {
    const lines = this.#output.out.split('\n').slice(0, -1);
    return lines.map((line) => JSON.parse(line) as LogLine);
  }

  get err(): string {
    return this.#output.err;
  }

  /** Waits until its log holds such a line. */
  logged(message: string): Promise<LogLine> {
    return until(() => this.log.find(({ msg }) => msg.includes(message)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill('SIGKILL');
    await this.ended;
  }
}

/** Waits until `look` returns a value other than false, null and undefined; resolves to it. */
export const until = <T>(look: () => T | Promise<T>): Promise<Exclude<T, false | null | undefined>> =>
  vi.waitUntil(look, { timeout: 20_000, interval: 10 }) as Promise<Exclude<T, false | null | undefined>>;
