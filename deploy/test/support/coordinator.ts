import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** The built coordinator of this checkout. */
export const PRESENT = fileURLToPath(new URL('../../../packages/cli/dist/cli.js', import.meta.url));

const READY = /"msg":"ready: (http:\/\/[^"]+)"/;
const KEPT_OUTPUT_CHARS = 20_000;

/** A coordinator in a separate process; its output is JSON lines. */
export class CoordinatorProcess {
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | null>;
  #output = '';

  /** @param args the arguments after `serve` */
  constructor(program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    const { PATH, HOME } = process.env;
    this.#child = spawn(process.execPath, [program, 'serve', ...args], {
      env: { PATH, HOME, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#output = (this.#output + text).slice(-KEPT_OUTPUT_CHARS);
      });
    this.#ended = once(this.#child, 'close').then(([code]) => code as number | null);
  }

  get output(): string {
    return this.#output;
  }

  /** The coordinator's URL, once it accepts calls. */
  async ready(): Promise<string> {
    for (;;) {
      const url = READY.exec(this.#output)?.[1];
      if (url !== undefined) return url;
      const printed = once(this.#child.stdout ?? this.#child, 'data').then(() => 'printed' as const);
      if ((await Promise.race([printed, this.#ended])) !== 'printed') throw new Error(`it ended:\n${this.#output}`);
    }
  }

  /** Shuts the coordinator down; resolves to its exit code. */
  stop(): Promise<number | null> {
    this.#child.kill('SIGTERM');
    return this.#ended;
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }
}
