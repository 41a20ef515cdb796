import type { RuleConcern } from '@holdfast/branches';
import { ConfigError } from '../config/config-error.ts';
import type { ServerConfig } from '../config/options.ts';
import { WatchedFiles } from '../secrets/watched-files.ts';
import { readTargetRules } from './read-target-rules.ts';

/** The rules for branch targets that allow more than participants usually need. */
export interface TargetConcerns {
  /** The number of rules. */
  readonly rules: number;
  readonly concerns: readonly RuleConcern[];
}

/** Examines the rules that the options state. Throws `ConfigError`, as `serve` would. */
export async function targetConcerns({
  branchTargets: rules,
  branchTargetsFile: path,
}: Pick<ServerConfig, 'branchTargets' | 'branchTargetsFile'>): Promise<TargetConcerns> {
  // Other commands that read a configuration call no branches.
  const { wideRulesOf, TargetRuleError } = await import('@holdfast/branches');
  try {
    if (path === '') return wideRulesOf({ rules });
    const { parse } = await import('yaml');
    const nothing = (): void => undefined;
    const files = new WatchedFiles({ log: { info: nothing, warn: nothing } });
    try {
      const file = await files.watch({ option: 'branchTargetsFile', path }, (bytes) => readTargetRules(bytes, parse));
      return wideRulesOf(file.value);
    } finally {
      files.close();
    }
  } catch (error) {
    throw error instanceof TargetRuleError ? new ConfigError(error.message, 'branchTargets') : error;
  }
}
