import { SECRET_LIMITS, secretNameFault, secretValueFault } from '@holdfast/protocol';
import { ConfigError } from '../config/config-error.ts';
import { isSecretVariable, SECRET_PREFIX } from '../config/environment.ts';

/**
 * The secrets of the variables `HOLDFAST_SECRET_NAME`, by name. Throws `ConfigError`, without the
 * value.
 */
export function secretsOfEnvironment(env: Readonly<Record<string, string | undefined>>): ReadonlyMap<string, string> {
  const secrets = new Map<string, string>();
  for (const [variable, value = ''] of Object.entries(env)) {
    if (!isSecretVariable(variable, value)) continue;
    const name = variable.slice(SECRET_PREFIX.length);
    const text = value.replace(/\r?\n$/, '');
    const nameFault = secretNameFault(name);
    if (nameFault !== undefined)
      throw new ConfigError(`the environment variable ${variable}: the name after ${SECRET_PREFIX} ${nameFault}`);
    const fault = secretValueFault(text);
    if (fault !== undefined) throw new ConfigError(`the environment variable ${variable}: ${fault}`);
    secrets.set(name, text);
    if (secrets.size > SECRET_LIMITS.count)
      throw new ConfigError(`there are more than ${SECRET_LIMITS.count} environment variables ${SECRET_PREFIX}…`);
  }
  return secrets;
}
