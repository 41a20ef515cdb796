import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

/** Length of the tail of a child's output that is kept, to be shown when it fails. */
const KEPT_OUTPUT_CHARS = 8_000;

/** Options of {@link startChild}. */
export interface ChildOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly uid?: number;
  readonly gid?: number;
  /** Ends the process when it is aborted. */
  readonly signal?: AbortSignal;
}

/** A long-running child process with the tail of its output. */
export interface Child {
  /** The tail of its output, both streams. */
  output(): string;
  /** Whether the process has ended, for any reason. */
  ended(): boolean;
  /** Sends a signal and waits until the process has ended; kills it after `timeoutMs`. */
  stop(signal: NodeJS.Signals, timeoutMs: number): Promise<void>;
}

/**
 * How a process ended (exit code, signal, or the error that prevented its start), and its output.
 */
export interface Captured {
  readonly code: number | string | null;
  readonly output: string;
}

/** Starts a process that keeps running. */
export function startChild(program: string, args: readonly string[], options: ChildOptions = {}): Child {
  const child = spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  const output = keepTail(child);
  const end = endOf(child);
  return {
    output,
    ended: () => child.exitCode !== null || child.signalCode !== null,
    async stop(signal, timeoutMs) {
      child.kill(signal);
      const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
      await end;
      clearTimeout(timer);
    },
  };
}

/**
 * Runs a process and resolves to its output; rejects, with the output, unless it exits with code 0.
 */
export async function runChild(program: string, args: readonly string[], options: ChildOptions = {}): Promise<string> {
  const child = spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  const output = keepTail(child);
  const code = await endOf(child);
  if (code === 0) return output();
  throw new Error(`${program} ${args.join(' ')} ended with ${String(code)}:\n${output()}`);
}

/** Whether a process exits with code 0. */
export const succeeds = (program: string, args: readonly string[]): Promise<boolean> =>
  runChild(program, args).then(
    () => true,
    () => false,
  );

/**
 * Runs a process and resolves to its whole output (assumed to be bounded), whatever the exit code.
 */
export async function captureChild(
  program: string,
  args: readonly string[],
  options: ChildOptions = {},
): Promise<Captured> {
  const child = spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  const output = keepTail(child, Number.POSITIVE_INFINITY);
  return { code: await endOf(child), output: output() };
}

function keepTail(child: ChildProcess, chars = KEPT_OUTPUT_CHARS): () => string {
  let kept = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      kept = kept.length + text.length > chars ? (kept + text).slice(-chars) : kept + text;
    });
  }
  return () => kept;
}

async function endOf(child: ChildProcess): Promise<number | string | null> {
  const failure = once(child, 'error').then(([error]: unknown[]) => String(error));
  const close = once(child, 'close').then(([code, signal]: (number | string | null)[]) => code ?? signal ?? null);
  return Promise.race([close, failure]);
}
