import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { matchesStart, matchesWhole } from './match-output.ts';
import { type Command, PageError } from './page.ts';

/** A command that takes longer than this has failed. */
const COMMAND_TIMEOUT_MS = 60_000;

interface Job {
  readonly command: Command;
  readonly child: ChildProcess;
  readonly ended: Promise<void>;
  printed: string;
  /** Whether the page has killed it. */
  killed: boolean;
  stderr: string;
  /** Called with each piece of output, and when the command ends. */
  onChange: () => void;
}

/**
 * Runs the commands of one page as a reader would, in the page's folder: one after the other. A
 * command that ends in `&` runs in the background; a later command may contain `kill -9 %1`.
 */
export class PageSession implements AsyncDisposable {
  readonly #folder: string;
  readonly #env: NodeJS.ProcessEnv;
  readonly #jobs: Job[] = [];

  constructor(folder: string, env: NodeJS.ProcessEnv) {
    this.#folder = folder;
    this.#env = env;
  }

  /**
   * Runs one command. Throws `PageError` when its output differs from the page, when it exits with
   * a code other than 0 (a page that expects another code contains `|| …`), or when a background
   * command has failed.
   */
  async run(command: Command): Promise<void> {
    const failed = this.#jobs.find(({ child, killed }) => !killed && hasFailed(child));
    if (failed !== undefined) throw mismatch(failed);
    const kill = /^kill -(9|TERM) %(\d+)$/.exec(command.text);
    if (kill !== null) return this.#kill(command, kill[1] === '9' ? 'SIGKILL' : 'SIGTERM', Number(kill[2]));
    const job = this.#start(command);
    if (command.background) {
      this.#jobs.push(job);
      await this.#until(job, () => matchesStart(command.output, job.printed));
    } else {
      await this.#until(job, () => job.child.exitCode !== null);
      await job.ended;
      if (!matchesWhole(command.output, job.printed) || job.child.exitCode !== 0) throw mismatch(job);
    }
  }

  /** Waits until the n-th background command (counted from 1) has ended on its own. */
  async ended(number: number): Promise<void> {
    await this.#jobs[number - 1]?.ended;
  }

  /** Kills the commands that still run. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const { child } of this.#jobs) signal(child, 'SIGKILL');
    await Promise.all(this.#jobs.map(({ ended }) => ended));
  }

  #start(command: Command): Job {
    // A separate process group, so that killing the shell also kills the processes it started.
    const child = spawn('bash', ['-c', command.text], { cwd: this.#folder, env: this.#env, detached: true });
    const ended = once(child, 'close').then(() => undefined);
    const job: Job = { command, child, ended, printed: '', killed: false, stderr: '', onChange: () => undefined };
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      job.printed += text;
      job.onChange();
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => (job.stderr += text));
    child.on('close', () => job.onChange());
    return job;
  }

  /** Waits until the condition holds; throws when the command ends first, or times out. */
  async #until(job: Job, holds: () => boolean): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        signal(job.child, 'SIGKILL');
        reject(mismatch(job, `it took longer than ${COMMAND_TIMEOUT_MS} ms`));
      }, COMMAND_TIMEOUT_MS);
      job.onChange = () => {
        if (holds()) resolve();
        else if (job.child.exitCode === null && job.child.signalCode === null) return;
        else reject(mismatch(job, 'it ended'));
        clearTimeout(timer);
      };
      job.onChange();
    });
  }

  async #kill(command: Command, name: NodeJS.Signals, number: number): Promise<void> {
    const job = this.#jobs[number - 1];
    if (job === undefined) throw new PageError(`line ${command.line}: there is no background command ${number}`);
    job.killed = true;
    signal(job.child, name);
    await job.ended;
  }
}

const hasFailed = ({ exitCode, signalCode }: ChildProcess): boolean => signalCode !== null || (exitCode ?? 0) !== 0;

function signal({ pid }: ChildProcess, name: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, name);
  } catch {
    // It has ended already.
  }
}

function mismatch({ command, printed, stderr, child }: Job, why = `it ended with ${child.exitCode}`): PageError {
  const { line, text, output } = command;
  return new PageError(
    `line ${line}: $ ${text}\n${why}, and printed\n\n${printed}\ninstead of\n\n${output.join('\n')}\n\nstandard error:\n${stderr}`,
  );
}
