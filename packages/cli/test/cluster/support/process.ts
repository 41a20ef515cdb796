import type { ChildProcess } from 'node:child_process';
import { HoldfastProcess, type HoldfastProcessOptions, type LogLine } from '@holdfast/testing/holdfast-process';
import { TestClient } from '@holdfast/testing/test-server';
import { vi } from 'vitest';

/** Short limits, so that a test takes seconds where an installation takes a quarter of a minute. */
export const SILENCE_MS = 3_000;
const QUICK = ['--heartbeat', '500ms', '--silence', `${SILENCE_MS}ms`, '--poll', '200ms', '--progress-flush', '200ms'];

/** A real coordinator process, or several on one port. */
export class Coordinator extends TestClient implements AsyncDisposable {
  readonly #process: HoldfastProcess;

  private constructor(url: string, process: HoldfastProcess) {
    super(url);
    this.#process = process;
  }

  /** Starts a coordinator; waits until it is ready. */
  static async start(store: string, ...args: string[]): Promise<Coordinator> {
    return Coordinator.startBuild({}, store, ...args);
  }

  /** Starts the command line of another build; waits until it is ready. */
  static async startBuild(build: HoldfastProcessOptions, store: string, ...args: string[]): Promise<Coordinator> {
    const process = Coordinator.launch(build, store, ...args);
    return new Coordinator(await process.ready(), process);
  }

  /** Starts one that may not come up. */
  static launch(build: HoldfastProcessOptions, store: string, ...args: string[]): HoldfastProcess {
    return new HoldfastProcess(['serve', '--store', store, '--http-port', '0', ...QUICK, ...args], build);
  }

  get child(): ChildProcess {
    return this.#process.child;
  }

  get ended(): Promise<number | null> {
    return this.#process.ended;
  }

  get log(): readonly LogLine[] {
    return this.#process.log;
  }

  get err(): string {
    return this.#process.err;
  }

  /** Waits until its log holds such a line. */
  logged(message: string): Promise<LogLine> {
    return until(() => this.log.find(({ msg }) => msg.includes(message)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process.kill();
  }
}

/** Waits until `look` returns a value other than false, null and undefined; resolves to it. */
export const until = <T>(look: () => T | Promise<T>): Promise<Exclude<T, false | null | undefined>> =>
  vi.waitUntil(look, { timeout: 20_000, interval: 10 }) as Promise<Exclude<T, false | null | undefined>>;
