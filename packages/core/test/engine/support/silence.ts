import type { Logger } from '../../../src/index.ts';

/** A logger that keeps its lines. */
export class KeptLog implements Logger {
  readonly lines: string[] = [];

  readonly #keep = (_fields: object, message: string): void => void this.lines.push(message);

  readonly debug = this.#keep;
  readonly info = this.#keep;
  readonly warn = this.#keep;
  readonly error = this.#keep;
}
