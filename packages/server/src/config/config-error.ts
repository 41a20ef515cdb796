/**
 * The configuration is invalid, or the server cannot start with it. The message is one line: what
 * is wrong, where, and how to fix it.
 */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}
