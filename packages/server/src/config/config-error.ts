/**
 * The configuration is invalid, or the server cannot start with it. The message is one line: what
 * is wrong, where, and how to fix it.
 */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  /** The option at fault, if its value violates a rule. */
  readonly option: string | undefined;

  constructor(message: string, option?: string) {
    super(message);
    this.option = option;
  }
}
