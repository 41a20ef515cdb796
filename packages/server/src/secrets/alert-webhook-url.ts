import { parseHttpUrl } from '@holdfast/branches';
import type { ServerConfig } from '../config/options.ts';
import { FileFault } from './file-fault.ts';
import { pathOfFileValue } from './file-value.ts';
import { secretText } from './secret-text.ts';
import type { WatchedFiles } from './watched-files.ts';

/**
 * The URL of the alert webhook, which follows the changes of the file that contains it; undefined:
 * none. Throws `ConfigError`.
 */
export async function alertWebhookUrl(
  { alertWebhook: value }: Pick<ServerConfig, 'alertWebhook'>,
  files: Pick<WatchedFiles, 'watch'>,
): Promise<(() => string) | undefined> {
  if (value === '') return undefined;
  const path = pathOfFileValue(value);
  if (path === undefined) return () => value;
  const file = await files.watch({ option: 'alertWebhook', path, isSecret: true }, (bytes) => {
    const url = secretText(bytes).trim();
    if (parseHttpUrl(url) === undefined) throw new FileFault('it does not contain an http:// or https:// URL');
    return url;
  });
  return () => file.value;
}
