/** Where the program prints, and how. */
export interface Terminal {
  readonly write: (text: string) => void;
  readonly colour: boolean;
  /** Columns. */
  readonly width: number;
}

const WIDEST = 110;

/** The terminal of a process; coloured on terminals only, unless NO_COLOR is set. */
export function terminalOf(
  stdout: { readonly isTTY?: boolean; readonly columns?: number; write(text: string): unknown },
  env: Readonly<Record<string, string | undefined>>,
): Terminal {
  return {
    write: (text) => void stdout.write(text),
    colour: stdout.isTTY === true && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb',
    width: Math.min(stdout.columns ?? WIDEST, WIDEST),
  };
}

/** Lines, headings and colours. */
export class Screen {
  readonly terminal: Terminal;

  constructor(terminal: Terminal) {
    this.terminal = terminal;
  }

  line(text = ''): void {
    this.terminal.write(`${text.trimEnd()}\n`);
  }

  /** A line across the terminal with a title in it. */
  heading(title: string): void {
    const rule = '─'.repeat(Math.max(3, this.terminal.width - title.length - 4));
    this.line();
    this.line(`${this.dim('──')} ${this.bold(title)} ${this.dim(rule)}`);
  }

  bold(text: string): string {
    return this.#paint(1, text);
  }

  dim(text: string): string {
    return this.#paint(2, text);
  }

  good(text: string): string {
    return this.#paint(32, text);
  }

  bad(text: string): string {
    return this.#paint(31, text);
  }

  #paint(code: number, text: string): string {
    return this.terminal.colour ? `\u001B[${code}m${text}\u001B[0m` : text;
  }
}
