import { BranchTargets, TargetRuleError } from '@holdfast/branches';
import { requireKnownNames } from '@holdfast/protocol';
import type { EmbedOptions } from './options.ts';

/**
 * The rules of the option `branchTargets`; undefined: every target is allowed.
 *
 * @throws {TypeError} naming the rule that is not valid
 */
export function targetsOf(given: EmbedOptions['branchTargets']): BranchTargets | undefined {
  if (given === undefined) return undefined;
  const isList = Array.isArray as (value: unknown) => value is readonly unknown[];
  const rules = isList(given) ? { rules: given } : given;
  requireKnownNames(rules, ['rules', 'namespaces'], 'embed(), branchTargets');
  for (const list of [rules.rules ?? [], ...Object.values(rules.namespaces ?? {})])
    if (!isList(list) || !list.every((rule) => typeof rule === 'string'))
      throw new TypeError(
        'embed(): branchTargets must be a list of rules, or { rules, namespaces } with lists of rules',
      );
  try {
    return new BranchTargets(rules);
  } catch (error) {
    throw error instanceof TargetRuleError ? new TypeError(`embed(): branchTargets: ${error.message}`) : error;
  }
}
