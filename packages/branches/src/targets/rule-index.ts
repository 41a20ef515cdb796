import { comparedName } from './host.ts';
import { contains, type IpAddress } from './ip-address.ts';
import { RangeTable } from './range-table.ts';
import type { TargetEndpoint, TargetRule } from './target-rule.ts';

/** A rule, and which of its ranges an address is in. */
export type RangeMatch = readonly [rule: TargetRule, range: NonNullable<TargetRule['ranges']>[number]];

/**
 * Rules by what they match. A lookup does not go through all of them: a transaction may name a
 * thousand hosts, and there may be a thousand rules.
 */
export class RuleIndex {
  readonly isEmpty: boolean;
  readonly #names = new Map<string, TargetRule[]>();
  readonly #wildcards = new Map<string, TargetRule[]>();
  /** For every host, without ranges. */
  readonly #general: TargetRule[] = [];
  /** For every host, with ranges. */
  readonly #ranges = new RangeTable<RangeMatch>();
  /** One for each scheme and ports that occur in `#ranges`. */
  readonly #kinds = new Map<string, TargetRule>();

  constructor(rules: readonly TargetRule[]) {
    this.isEmpty = rules.length === 0;
    for (const rule of rules) {
      const { host, ranges, scheme = '', ports = [] } = rule;
      if (host !== undefined) push(host.isWildcard ? this.#wildcards : this.#names, host.name, rule);
      else if (ranges === undefined) this.#general.push(rule);
      else {
        for (const range of ranges) this.#ranges.add(range, [rule, range]);
        this.#kinds.set(`${scheme} ${ports.join('-')}`, rule);
      }
    }
  }

  /** The rules for a target, except those for every host in a range. */
  about(endpoint: TargetEndpoint): readonly TargetRule[] {
    const found = [...this.#general];
    const name = comparedName(endpoint.host);
    found.push(...(this.#names.get(name) ?? []));
    if (this.#wildcards.size > 0)
      for (let dot = name.indexOf('.'); dot !== -1; dot = name.indexOf('.', dot + 1))
        found.push(...(this.#wildcards.get(name.slice(dot + 1)) ?? []));
    return found.filter((rule) => isFor(rule, endpoint));
  }

  /** Whether a rule for every host in a range is about this scheme and port. */
  hasRangeFor(endpoint: TargetEndpoint): boolean {
    for (const rule of this.#kinds.values()) if (isFor(rule, endpoint)) return true;
    return false;
  }

  /** The rules with ranges that are about a target and contain an address. */
  at(endpoint: TargetEndpoint, about: readonly TargetRule[], address: IpAddress): readonly RangeMatch[] {
    const named = about.flatMap((rule) =>
      (rule.ranges ?? []).filter((range) => contains(range, address)).map((range): RangeMatch => [rule, range]),
    );
    return [...named, ...this.#ranges.all(address).filter(([rule]) => isFor(rule, endpoint))];
  }
}

function push(map: Map<string, TargetRule[]>, key: string, rule: TargetRule): void {
  const known = map.get(key);
  if (known === undefined) map.set(key, [rule]);
  else known.push(rule);
}

/** Whether a rule is about this scheme and port. */
const isFor = ({ scheme, ports }: TargetRule, endpoint: TargetEndpoint): boolean =>
  (scheme === undefined || scheme === endpoint.scheme) &&
  (ports === undefined || (endpoint.port >= ports[0] && endpoint.port <= ports[1]));
