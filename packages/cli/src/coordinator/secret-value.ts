import { ConfigError, secretOption } from '@holdfast/server/config';
import { CommandError, EXIT } from '../commands/command-error.ts';

/**
 * The value of an option that may contain a secret; `file:PATH` is replaced by the text of the
 * file. Throws `CommandError`.
 */
export async function secretValue(option: string, value: string): Promise<string> {
  try {
    return await secretOption(option, value);
  } catch (error) {
    throw error instanceof ConfigError ? new CommandError(EXIT.usage, error.message, { cause: error }) : error;
  }
}
