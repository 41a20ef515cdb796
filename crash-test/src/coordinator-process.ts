import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { CoordinatorClient } from './coordinator-client.ts';
import { ended, ownChild } from './process-end.ts';

export interface CoordinatorOptions {
  readonly cliPath: string;
  readonly dataDir: string;
  readonly port: number;
  /** Its output of all starts. */
  readonly logPath: string;
}

/** A coordinator says "ready" within this, or the run is over. */
const READY_TIMEOUT_MS = 60_000;
const POLL_MS = 10;

/** The coordinator under test: one process at a time, always on the same data and port. */
export class CoordinatorProcess {
  readonly #options: CoordinatorOptions;
  readonly #log: number;
  readonly #probe: CoordinatorClient;
  #child: ChildProcess | undefined;
  #deaths = 0;

  constructor(options: CoordinatorOptions) {
    this.#options = options;
    this.#log = openSync(options.logPath, 'a');
    this.#probe = new CoordinatorClient(`http://127.0.0.1:${options.port}`, 1);
  }

  /** How often it ended without having been killed. */
  get deaths(): number {
    return this.#deaths;
  }

  start(): void {
    const { cliPath, dataDir, port } = this.#options;
    const args = [cliPath, 'serve', '--store', `lmdb:${dataDir}`, '--http-port', String(port)];
    const child = spawn(process.execPath, args, { stdio: ['ignore', this.#log, this.#log], env: cleanEnvironment() });
    ownChild(child);
    child.once('exit', () => {
      if (this.#child === child) this.#deaths += 1;
    });
    this.#child = child;
  }

  /** Returns how many ms it took, from now, to say that it is ready. Throws if it ends or takes too long. */
  async ready(): Promise<number> {
    const startMs = performance.now();
    for (;;) {
      const reason = await this.#probe.notReadyBecause();
      if (reason === '') break;
      if (this.#child?.exitCode !== null) this.#fail('ended by itself');
      if (performance.now() - startMs > READY_TIMEOUT_MS)
        this.#fail(`was not ready in ${READY_TIMEOUT_MS} ms (${reason})`);
      await delay(POLL_MS);
    }
    return performance.now() - startMs;
  }

  /** SIGKILL; returns when the process is gone. */
  async kill(): Promise<void> {
    const child = this.#child;
    // From here on its end is not a death of its own.
    this.#child = undefined;
    child?.kill('SIGKILL');
    if (child !== undefined) await ended(child);
  }

  #fail(what: string): never {
    throw new Error(`the coordinator ${what}, see ${this.#options.logPath}`);
  }

  /** Kills it for good. */
  async close(): Promise<void> {
    await this.kill();
    await this.#probe.close();
    closeSync(this.#log);
  }
}

/** This process's environment without the settings that would change what is tested. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith('HOLDFAST_') && name !== 'NODE_OPTIONS'),
  );
}
