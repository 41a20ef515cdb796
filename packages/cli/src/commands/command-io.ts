/** The process as a command sees it; tests replace it. */
export interface CommandIo {
  /** Writes one line. */
  readonly out: (line: string) => void;
  readonly err: (line: string) => void;
  /** Standard input, for gids given as `-`. */
  readonly input: AsyncIterable<Buffer | string>;
  readonly colour: boolean;
  /** Width of the output in columns. */
  readonly width: number;
  readonly nowMs: () => number;
  /** Sets the exit code; the process exits when its output is written. */
  readonly setExitCode: (code: number) => void;
  /** Ends the process immediately. */
  readonly exit: (code: number) => never;
}

/** Width of the output where the terminal's width is unknown. */
const DEFAULT_WIDTH = 100;

/** Whether to use colours: only on terminals, and not if NO_COLOR is set (https://no-color.org). */
export const wantsColour = (isTty: boolean, env: Readonly<Record<string, string | undefined>>): boolean =>
  isTty && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';

export function processIo(): CommandIo {
  // `holdfast list | head` closes the pipe before everything is written; this is not an error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit();
    throw error;
  });
  return {
    out: (line) => void process.stdout.write(line + '\n'),
    err: (line) => void process.stderr.write(line + '\n'),
    input: process.stdin,
    colour: wantsColour(process.stdout.isTTY, process.env),
    width: process.stdout.columns ?? DEFAULT_WIDTH,
    nowMs: () => Date.now(),
    setExitCode: (code) => (process.exitCode = code),
    exit: (code) => process.exit(code),
  };
}
