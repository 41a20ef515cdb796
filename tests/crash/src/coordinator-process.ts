import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { CoordinatorClient } from './coordinator-client.ts';
import { ended, ownChild } from './process-end.ts';
import type { Security } from './secured/security.ts';

export interface CoordinatorOptions {
  readonly cliPath: string;
  readonly port: number;
  readonly grpcPort: number;
  /** Further options of `serve`. */
  readonly serve: readonly string[];
  /** Options of Node itself. */
  readonly node?: readonly string[];
  /** Its output of all starts. */
  readonly logPath: string;
  /**
   * Whether the process has a reason to exit now; it is then started again, as by a supervisor. By
   * default it never has one.
   */
  readonly mayEnd?: () => boolean;
  /** Undefined: neither TLS nor authentication. */
  readonly security: Security | undefined;
}

/** A coordinator reports "ready" within this time; otherwise the run fails. */
const READY_TIMEOUT_MS = 120_000;
const POLL_MS = 10;
/** Between an end that may be and the next start. */
const RESTART_PAUSE_MS = 200;

/** A coordinator under test: one process at a time, always on the same port and store. */
export class CoordinatorProcess {
  readonly #options: CoordinatorOptions;
  readonly #log: number;
  /** Queries this coordinator only. */
  readonly probe: CoordinatorClient;
  #child: ChildProcess | undefined;
  #deaths = 0;

  constructor(options: CoordinatorOptions) {
    this.#options = options;
    this.#log = openSync(options.logPath, 'a');
    const { security, port } = options;
    const scheme = security === undefined ? 'http' : 'https';
    this.probe = new CoordinatorClient(`${scheme}://127.0.0.1:${port}`, 2, security?.admin);
  }

  /** How often it ended without having been killed, and without a reason. */
  get deaths(): number {
    return this.#deaths;
  }

  start(): void {
    const { cliPath, port, grpcPort, serve, node = [], security } = this.#options;
    const ports = ['--http-port', String(port), '--grpc-port', String(grpcPort)];
    const args = [...node, cliPath, 'serve', ...ports, ...serve, ...(security?.serve ?? [])];
    const child = spawn(process.execPath, args, { stdio: ['ignore', this.#log, this.#log], env: cleanEnvironment() });
    ownChild(child);
    child.once('exit', () => this.#ended(child));
    this.#child = child;
  }

  #ended(child: ChildProcess): void {
    // The test killed the process: this exit does not count as a death.
    if (this.#child !== child) return;
    if (this.#options.mayEnd?.() !== true) {
      this.#deaths += 1;
      return;
    }
    setTimeout(() => {
      if (this.#child === child) this.start();
    }, RESTART_PAUSE_MS);
  }

  /**
   * Resolves to the ms from now until the coordinator reports that it is ready. Throws if the
   * process exits or takes too long.
   */
  async ready(): Promise<number> {
    const startMs = performance.now();
    for (;;) {
      const reason = await this.probe.notReadyBecause();
      if (reason === '') break;
      if (this.#isDead()) this.#fail('exited unexpectedly');
      if (performance.now() - startMs > READY_TIMEOUT_MS)
        this.#fail(`was not ready in ${READY_TIMEOUT_MS} ms (${reason})`);
      await delay(POLL_MS);
    }
    return performance.now() - startMs;
  }

  #isDead(): boolean {
    const child = this.#child;
    return child !== undefined && child.exitCode !== null && this.#options.mayEnd?.() !== true;
  }

  /** SIGKILL; returns when the process is gone. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    child?.kill('SIGKILL');
    if (child !== undefined) await ended(child);
  }

  /** SIGSTOP: it does nothing at all, and knows nothing of it. */
  pause(): void {
    this.#child?.kill('SIGSTOP');
  }

  /** SIGCONT. */
  resume(): void {
    this.#child?.kill('SIGCONT');
  }

  #fail(what: string): never {
    throw new Error(`the coordinator ${what}, see ${this.#options.logPath}`);
  }

  /** Kills it for good. */
  async close(): Promise<void> {
    await this.kill();
    await this.probe.close();
    closeSync(this.#log);
  }
}

/** This process's environment without the settings that would change what is tested. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith('HOLDFAST_') && name !== 'NODE_OPTIONS'),
  );
}
