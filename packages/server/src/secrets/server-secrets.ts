import type { BranchSecrets, BranchTargets } from '@holdfast/branches';
import { DEFAULT_NAMESPACE } from '@holdfast/protocol';
import { ConfigError } from '../config/config-error.ts';
import type { ServerConfig } from '../config/options.ts';
import type { Log } from '../logs/log.ts';
import { SECRET_PREFIX } from '../config/environment.ts';
import type { SecretTable } from './secrets-folder.ts';
import type { WatchedFiles } from './watched-files.ts';

export interface ServerSecretsParts {
  readonly files: WatchedFiles;
  readonly log: Pick<Log, 'info'>;
  /** By name, for the namespace `default`. */
  readonly ofEnvironment: ReadonlyMap<string, string>;
  readonly targets: BranchTargets | undefined;
}

/**
 * The secrets that `branch_headers` may name: the files of `secretsDir`, which follow changes, and
 * those of the environment. A file takes precedence. Undefined: there are none. Throws
 * `ConfigError`.
 */
export async function serverSecrets(
  { secretsDir }: Pick<ServerConfig, 'secretsDir'>,
  { files, log, ofEnvironment, targets }: ServerSecretsParts,
): Promise<BranchSecrets | undefined> {
  if (secretsDir === '' && ofEnvironment.size === 0) return undefined;
  // Any caller could have a secret sent to a server that it controls.
  if (targets === undefined)
    throw new ConfigError(
      `${secretsDir === '' ? `${SECRET_PREFIX}…` : '--secrets-dir'} requires --branch-targets or --branch-targets-file: ` +
        'secrets are only sent to targets that a rule allows',
      'secretsDir',
    );
  const folder = secretsDir === '' ? undefined : await files.watchFolder({ option: 'secretsDir', path: secretsDir });
  const announce = (): void =>
    log.info(countsOf(folder?.value, ofEnvironment), 'secrets for branch headers are loaded');
  folder?.onChange(announce);
  announce();
  return {
    find(namespace, name) {
      if (!targets.allowsOnlyListed(namespace))
        return {
          kind: 'none',
          why: `is not sent: no rule of branchTargets allows any target of namespace ${namespace}`,
        };
      const value =
        folder?.value.get(namespace)?.get(name) ??
        (namespace === DEFAULT_NAMESPACE ? ofEnvironment.get(name) : undefined);
      return value === undefined
        ? { kind: 'none', why: `is not a secret of this coordinator for namespace ${namespace}` }
        : { kind: 'secret', value };
    },
  };
}

/** Names are not logged: they describe what an installation is connected to. */
const countsOf = (files: SecretTable = new Map(), ofEnvironment: ReadonlyMap<string, string>) => ({
  files: [...files.values()].reduce((sum, { size }) => sum + size, 0),
  namespaces: files.size,
  variables: ofEnvironment.size,
});
