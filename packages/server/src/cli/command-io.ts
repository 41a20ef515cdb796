/** What a command sees of its process, so that tests can stand in for it. */
export interface CommandIo {
  /** Writes one line. */
  readonly out: (line: string) => void;
  readonly err: (line: string) => void;
  /** Standard input, for gids given as `-`. */
  readonly input: AsyncIterable<Buffer | string>;
  readonly colour: boolean;
  /** Columns to use. */
  readonly width: number;
  readonly nowMs: () => number;
  /** What the process ends with when everything is written. */
  readonly setExitCode: (code: number) => void;
  /** Ends the process at once. */
  readonly exit: (code: number) => never;
}

/** Columns when nobody says how wide the terminal is. */
const DEFAULT_WIDTH = 100;

/** Colours are for terminals, and not for people who set NO_COLOR (https://no-color.org). */
export const wantsColour = (isTty: boolean, env: Readonly<Record<string, string | undefined>>): boolean =>
  isTty && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';

export function processIo(): CommandIo {
  // `holdfast list | head` closes the pipe before everything is written: that is no error of ours.
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
