import { parseTargetRule, type TargetRule, TargetRuleError } from './target-rule.ts';

/** The rules for the targets of branches, as texts; see `parseTargetRule`. */
export interface TargetRules {
  readonly rules?: readonly string[];
  /**
   * The rules of single namespaces, which apply there instead of `rules`. What `rules` denies is
   * denied in every namespace.
   */
  readonly namespaces?: Readonly<Record<string, readonly string[]>>;
}

const MAX_RULES = 1_000;
const MAX_NAMESPACES = 1_000;

/** @throws {TargetRuleError} naming the first rule that is not valid, or the bound */
export function parseTargetRules({ rules = [], namespaces = {} }: TargetRules): {
  readonly general: readonly TargetRule[];
  readonly namespaces: ReadonlyMap<string, readonly TargetRule[]>;
} {
  const names = Object.keys(namespaces);
  if (names.length > MAX_NAMESPACES)
    throw new TargetRuleError(`there are rules for ${names.length} namespaces; at most ${MAX_NAMESPACES} are allowed`);
  return {
    general: parsed(rules, 'rules'),
    namespaces: new Map(
      Object.entries(namespaces).map(([name, own]) => {
        const where = `namespace ${JSON.stringify(name)}`;
        // An empty list could mean that everything is allowed, or nothing.
        if (own.length === 0) throw new TargetRuleError(`${where} has no rules; write "*", or "deny *"`);
        return [name, parsed(own, where)];
      }),
    ),
  };
}

function parsed(rules: readonly string[], where: string): readonly TargetRule[] {
  if (rules.length > MAX_RULES)
    throw new TargetRuleError(`${where} has ${rules.length} rules; at most ${MAX_RULES} are allowed`);
  return rules.map(parseTargetRule);
}
