import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { hasEnded, own, stop } from './owned.ts';

const REPLY_TIMEOUT_MS = 30_000;

/** A program of this package in a separate process, with messages over Node's IPC channel. */
export class Helper {
  readonly #name: string;
  readonly #child: ChildProcess;

  /**
   * @param module relative to the caller's folder, such as `new URL('./main.js', import.meta.url)`
   * @param profileFolder where Node writes a CPU profile at exit
   */
  constructor(module: URL, args: readonly string[] = [], profileFolder?: string) {
    const path = fileURLToPath(module);
    this.#name = path.slice(path.lastIndexOf('/') + 1);
    this.#child = fork(path, args, {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      env: cleanEnvironment(),
      execArgv: profileFolder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileFolder}`],
    });
    own(this.#child);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Resolves to the next message. Rejects if the helper ends instead, or sends nothing in time. */
  reply(timeoutMs: number = REPLY_TIMEOUT_MS): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const settle = (end: () => void): void => {
        clearTimeout(timer);
        this.#child.off('message', onMessage);
        this.#child.off('exit', onExit);
        end();
      };
      const fail = (what: string): void => settle(() => reject(new Error(`${this.#name} ${what}`)));
      const onMessage = (message: unknown): void => settle(() => resolve(message));
      const onExit = (): void => fail('exited before its reply');
      const timer = setTimeout(fail, timeoutMs, `sent no reply within ${timeoutMs} ms`);
      this.#child.once('message', onMessage);
      this.#child.once('exit', onExit);
      if (hasEnded(this.#child)) onExit();
    });
  }

  /** Sends a message and resolves to the response. */
  request(message: object, timeoutMs?: number): Promise<unknown> {
    const replied = this.reply(timeoutMs);
    this.#child.send(message);
    return replied;
  }

  /** @param patienceMs time to exit before the process is killed */
  async stop(patienceMs?: number): Promise<void> {
    await stop(this.#child, patienceMs);
  }
}

/** This process's environment without settings that would affect the measurement. */
export function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith('HOLDFAST_') && name !== 'NODE_OPTIONS'),
  );
}

/** The port in a helper's first message. */
export function portOf(message: unknown): number {
  const port = typeof message === 'object' && message !== null && 'port' in message ? message.port : undefined;
  if (typeof port !== 'number') throw new Error(`a helper process reported no port: ${JSON.stringify(message)}`);
  return port;
}
