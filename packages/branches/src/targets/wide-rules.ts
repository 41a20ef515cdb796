import { isWithin } from './ip-address.ts';
import { SPECIAL_RANGES } from './special-ranges.ts';
import type { TargetRule } from './target-rule.ts';
import { parseTargetRules, type TargetRules } from './target-rules.ts';

/** Why a rule allows more than participants usually need. */
export interface RuleConcern {
  /** As the operator wrote it. */
  readonly rule: string;
  /** A clause after the rule, such as `allows every public host`. */
  readonly concern: string;
  /** The rule opens credentials of the machine to clients. */
  readonly isSevere: boolean;
}

/**
 * The rules that allow more than participants usually need, and the number of all rules.
 *
 * @throws {TargetRuleError} naming the first rule that is not valid
 */
export function wideRulesOf(rules: TargetRules): { readonly rules: number; readonly concerns: readonly RuleConcern[] } {
  const { general, namespaces } = parseTargetRules(rules);
  const all = [...general, ...[...namespaces.values()].flat()];
  return {
    rules: all.length,
    concerns: all.flatMap((rule) => {
      const found = rule.allows ? concernOf(rule) : undefined;
      return found === undefined ? [] : [{ rule: rule.text, concern: found, isSevere: found === METADATA }];
    }),
  };
}

const METADATA = 'allows the metadata service of a cloud, which serves credentials';
/** A wider range covers most of the internet. */
const FEWEST_BITS = 8;

function concernOf({ scheme, host, ports, ranges }: TargetRule): string | undefined {
  if (ranges === undefined) {
    if (host === undefined) return 'allows every public host';
    if (host.isWildcard && !host.name.includes('.')) return `allows every host below ${host.name}`;
    return scheme === 'https' || scheme === 'grpcs' ? undefined : 'allows calls to public addresses without TLS';
  }
  const kinds = new Set(ranges.flatMap((range) => kindsOf(range)));
  if (kinds.has('cloud metadata')) return METADATA;
  if (kinds.has('link-local')) return 'allows link-local addresses';
  if (ports !== undefined) return undefined;
  if (kinds.has('loopback')) return 'allows every port of the machine of the coordinator';
  if (ranges.some(({ prefix }) => prefix < FEWEST_BITS)) return 'allows every public address';
  return ranges.some(({ bits, prefix }) => prefix < bits) ? 'allows every port of its addresses' : undefined;
}

const kindsOf = (range: NonNullable<TargetRule['ranges']>[number]): readonly string[] =>
  SPECIAL_RANGES.filter((special) => isWithin(range, special.range)).map(({ kind }) => kind);
