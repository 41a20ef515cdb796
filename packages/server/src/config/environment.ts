import { nearest } from '@holdfast/protocol';
import { ConfigError } from './config-error.ts';
import { OPTION_NAMES, variableOf } from './options.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const PREFIX = 'HOLDFAST_';
/** Variables with secrets that `branch_headers` may name. */
export const SECRET_PREFIX = 'HOLDFAST_SECRET_';
/** Variables other than those of the options of `serve`. */
const OTHERS = [
  'HOLDFAST_CONFIG',
  'HOLDFAST_DTM_CONFIG',
  'HOLDFAST_DTM_ENV',
  'HOLDFAST_SERVER',
  'HOLDFAST_TOKEN',
  'HOLDFAST_TOKEN_FILE',
  'HOLDFAST_NAMESPACE',
  'HOLDFAST_CA_FILE',
  'HOLDFAST_CERT_FILE',
  'HOLDFAST_KEY_FILE',
];
const KNOWN = [...OPTION_NAMES.map(variableOf), ...OTHERS];
const KNOWN_WORDS = KNOWN.map((name) => name.slice(PREFIX.length));

/**
 * Rejects a variable whose name resembles that of an option, since it would be ignored silently.
 * @throws {ConfigError} naming the nearest option
 */
export function refuseMisspelled(env: Environment): void {
  for (const name of unknownVariables(env)) {
    const meant = nearest(name.slice(PREFIX.length), KNOWN_WORDS);
    if (meant !== undefined)
      throw new ConfigError(`the environment variable ${name} is not an option; did you mean ${PREFIX}${meant}?`);
  }
}

/** Variables with the prefix of options that are not options. They may belong to an application. */
export const unknownVariables = (env: Environment): readonly string[] =>
  Object.entries(env).flatMap(([name, value = '']) =>
    name.startsWith(PREFIX) && !KNOWN.includes(name) && !isSecretVariable(name, value) && !isServiceLink(name, value)
      ? [name]
      : [],
  );

/** Whether a variable contains a secret that `branch_headers` may name. */
export const isSecretVariable = (name: string, value: string): boolean =>
  name.startsWith(SECRET_PREFIX) && value !== '' && !isServiceLink(name, value);

/**
 * Whether Kubernetes set the variable. Kubernetes describes each Service of a namespace to every
 * container; for Services named `holdfast` and `holdfast-http`: `HOLDFAST_SERVICE_HOST`,
 * `HOLDFAST_PORT_36789_TCP_ADDR`, `HOLDFAST_HTTP_PORT=tcp://10.0.0.7:36789` and more.
 */
export const isServiceLink = (name: string, value: string): boolean =>
  /_SERVICE_(?:HOST|PORT(?:_\w+)?)$/.test(name) ||
  /_PORT_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?$/.test(name) ||
  (name.endsWith('_PORT') && /^(?:tcp|udp|sctp):\/\//.test(value));
