import {
  BranchTargets,
  type ListeningAt,
  TargetRuleError,
  type TargetRules,
  type UnlistedTargets,
} from '@holdfast/branches';
import type { Logger } from '@holdfast/core';
import { ConfigError } from '../config/config-error.ts';
import type { ServerConfig } from '../config/options.ts';
import { FileFault } from '../secrets/file-fault.ts';
import type { WatchedFiles } from '../secrets/watched-files.ts';
import { readTargetRules } from './read-target-rules.ts';

/**
 * The rules for branch targets that the options state; they change with the file. Undefined if
 * every target is allowed and will be.
 *
 * @throws {ConfigError} naming the option and the rule
 */
export async function branchTargetsOf(
  config: Pick<ServerConfig, 'branchTargets' | 'branchTargetsFile'>,
  files: Pick<WatchedFiles, 'watch'>,
  log: Pick<Logger, 'info'>,
  unlisted: UnlistedTargets = 'all',
): Promise<BranchTargets | undefined> {
  const { branchTargets: rules, branchTargetsFile: path } = config;
  if (path !== '') {
    if (rules.length > 0)
      throw new ConfigError(
        '--branch-targets and --branch-targets-file exclude each other; put all rules into the file',
      );
    const { parse } = await import('yaml');
    const file = await files.watch({ option: 'branchTargetsFile', path }, (bytes) => {
      const read = readTargetRules(bytes, parse);
      // Checked here, so that a fault keeps the rules that are in use.
      orFault(
        () => new BranchTargets(read, unlisted),
        (fault) => new FileFault(fault),
      );
      return read;
    });
    const targets = new BranchTargets(file.value, unlisted);
    file.onChange((changed) => {
      targets.replace(changed);
      log.info(countsOf(changed), 'the rules for branch targets have changed');
    });
    return targets;
  }
  if (rules.length === 0 && unlisted === 'all') return undefined;
  return orFault(
    () => new BranchTargets({ rules }, unlisted),
    (fault) => new ConfigError(`--branch-targets: ${fault}`, 'branchTargets'),
  );
}

/** Where the transports listen, whose URLs or addresses end in their ports; empty: not served. */
export const listenersOf = (host: string, places: readonly string[]): readonly ListeningAt[] =>
  places.flatMap((place) => (place === '' ? [] : [{ host, port: Number(place.slice(place.lastIndexOf(':') + 1)) }]));

function orFault<T>(create: () => T, toError: (fault: string) => Error): T {
  try {
    return create();
  } catch (error) {
    throw error instanceof TargetRuleError ? toError(error.message) : error;
  }
}

const countsOf = ({ rules = [], namespaces = {} }: TargetRules): Readonly<Record<string, number>> => ({
  rules: rules.length,
  namespaces: Object.keys(namespaces).length,
});
