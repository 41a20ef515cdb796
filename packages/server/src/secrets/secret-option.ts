import { ConfigError } from '../config/config-error.ts';
import { reasonOf } from './file-fault.ts';
import { pathOfFileValue } from './file-value.ts';
import { isTooOpen, readBounded } from './read-file.ts';
import { secretText } from './secret-text.ts';

/**
 * The value of an option that may contain a secret: the one line of the file if the value is
 * `file:PATH`, otherwise the value itself. Throws `ConfigError`.
 *
 * @param option as the user wrote it, such as `--store`
 */
export async function secretOption(
  option: string,
  value: string,
  onWarning: (text: string) => void = () => undefined,
): Promise<string> {
  const path = pathOfFileValue(value);
  if (path === undefined) return value;
  try {
    const { bytes, mode } = await readBounded(path);
    if (isTooOpen(mode)) onWarning(`${option} ${value}: other accounts may access this secret; chmod 600 (or 640) it`);
    const text = secretText(bytes).trim();
    if (pathOfFileValue(text) === undefined) return text;
  } catch (error) {
    throw new ConfigError(`${option} ${value}: ${reasonOf(error)}`);
  }
  throw new ConfigError(`${option} ${value}: it names another file, instead of containing the value`);
}
