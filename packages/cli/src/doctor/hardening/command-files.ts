import { pathOfFileValue } from '@holdfast/server/config';

/** The options of the command whose files contain secrets. */
interface CommandOptions {
  readonly config?: string;
  readonly server?: string;
  readonly barrier: readonly string[];
  readonly tokenFile?: string;
  readonly keyFile?: string;
  readonly dtmConfig?: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Files with secrets: those that the command itself reads, and the config files of `serve`. */
export function secretFilesOf(
  options: CommandOptions,
  env: Environment,
): readonly { readonly label: string; readonly path: string }[] {
  const ofValue = (label: string, value: string | undefined): [string, string | undefined] => [
    label,
    value === undefined ? undefined : pathOfFileValue(value),
  ];
  const found: readonly [string, string | undefined][] = [
    // It may contain the password of the store, as that of dtm does.
    ['--config', options.config ?? env['HOLDFAST_CONFIG']],
    ['--dtm-config', options.dtmConfig ?? env['HOLDFAST_DTM_CONFIG']],
    ['--token-file', options.tokenFile],
    ['--key-file', options.keyFile],
    ...(options.tokenFile === undefined ? [ofValue('HOLDFAST_TOKEN', env['HOLDFAST_TOKEN']?.trim())] : []),
    ofValue('--server', options.server),
    ...options.barrier.map((url) => ofValue('--barrier', url)),
  ];
  return found.flatMap(([label, path = '']) => (path === '' ? [] : [{ label, path }]));
}
