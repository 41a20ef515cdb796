/** The configuration is wrong, or the server cannot start with it. The message is one line: what, where, and what to do. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}
