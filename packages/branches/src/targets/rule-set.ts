import { contains, type IpAddress, isWithin, parseAddress, textOfAddress } from './ip-address.ts';
import { comparedName } from './host.ts';
import { embeddedIn, type SpecialRange, specialRangeOf } from './special-ranges.ts';
import type { TargetEndpoint, TargetRule } from './target-rule.ts';

/** What a list without a rule that allows something covers: every address, or the public ones. */
export type UnlistedTargets = 'all' | 'public';

/** Whether this coordinator listens at an address and port. */
export type IsOwn = (address: IpAddress, port: number) => boolean;

/**
 * The rules for the targets of some namespaces. A target is allowed if no rule denies it and one
 * rule allows its scheme, host, port and address. The order of the rules has no meaning.
 *
 * An address of a special range needs a rule with a range that is inside of that special range:
 * `0.0.0.0/0` covers public addresses only, and `169.254.0.0/16` does not cover the metadata
 * service.
 */
export class RuleSet {
  readonly #denying: readonly TargetRule[];
  readonly #allowing: readonly TargetRule[];
  readonly #unlisted: UnlistedTargets;
  readonly #isOwn: IsOwn;

  constructor(rules: readonly TargetRule[], unlisted: UnlistedTargets, isOwn: IsOwn = () => false) {
    this.#denying = rules.filter(({ allows }) => !allows);
    this.#allowing = rules.filter(({ allows }) => allows);
    this.#unlisted = unlisted;
    this.#isOwn = isOwn;
  }

  /**
   * Why a branch must not have this target; undefined if it may. The addresses of a name are
   * checked when a connection is opened.
   */
  faultOf(endpoint: TargetEndpoint): string | undefined {
    const address = parseAddress(endpoint.host);
    if (address !== undefined) return this.#faultAt(endpoint, address);
    const denying = this.#denying.find((rule) => rule.ranges === undefined && isFor(rule, endpoint));
    if (denying !== undefined) return deniedBy(denying);
    if (LOCALHOST.test(comparedName(endpoint.host))) return this.#faultAtAll(endpoint, LOOPBACK);
    const isListed = this.#allowing.length === 0 || this.#allowing.some((rule) => isFor(rule, endpoint));
    return isListed ? undefined : `no rule of branchTargets allows ${textOf(endpoint)}`;
  }

  /** Why no connection to a target may be opened at this address; undefined if it may. */
  faultOfAddress(endpoint: TargetEndpoint, address: string): string | undefined {
    const parsed = parseAddress(address);
    if (parsed === undefined) return `${address} is not an address`;
    const fault = this.#faultAt(endpoint, parsed);
    return fault === undefined || address === endpoint.host ? fault : `${endpoint.host} is at ${address}: ${fault}`;
  }

  /** Why none of these addresses may be connected to; undefined if one may. */
  #faultAtAll(endpoint: TargetEndpoint, addresses: readonly string[]): string | undefined {
    const faults = addresses.map((address) => this.faultOfAddress(endpoint, address));
    return faults.includes(undefined) ? undefined : faults[0];
  }

  #faultAt(endpoint: TargetEndpoint, address: IpAddress): string | undefined {
    const embedded = embeddedIn(address);
    const denying = this.#denying.find(
      (rule) =>
        isFor(rule, endpoint) &&
        (rule.ranges?.some((range) => contains(range, address) || (embedded && contains(range, embedded))) ?? true),
    );
    if (denying !== undefined) return deniedBy(denying);
    if (this.#allowing.length === 0 && this.#unlisted === 'all') return undefined;
    const special = specialRangeOf(address);
    const fitting = this.#allowing.filter((rule) => isFor(rule, endpoint));
    const allowing = fitting.filter((rule) => isAtAddress(rule, address, special));
    if (this.#isOwn(address, endpoint.port) && !allowing.some(namesOnePort))
      return `this coordinator listens at ${textOf(endpoint)}; a rule of branchTargets with just this port could allow it`;
    if (allowing.length > 0) return undefined;
    if (this.#allowing.length === 0 && special === undefined) return undefined;
    if (special === undefined || (this.#allowing.length > 0 && fitting.length === 0))
      return `no rule of branchTargets allows ${textOf(endpoint)}`;
    return `${textOfAddress(address)} is in ${special.text} (${special.kind}), which no rule of branchTargets allows`;
  }
}

/** Names that always mean this machine (RFC 6761, 6.3). */
const LOCALHOST = /^(?:.+\.)?localhost$/;
const LOOPBACK = ['127.0.0.1', '::1'];

const deniedBy = ({ text }: TargetRule): string => `the rule ${JSON.stringify(text)} of branchTargets denies it`;

/** Whether a rule is about this scheme, host and port. */
function isFor({ scheme, host, ports }: TargetRule, endpoint: TargetEndpoint): boolean {
  if (scheme !== undefined && scheme !== endpoint.scheme) return false;
  if (ports !== undefined && (endpoint.port < ports[0] || endpoint.port > ports[1])) return false;
  if (host === undefined) return true;
  const name = comparedName(endpoint.host);
  return host.isWildcard ? name.endsWith(`.${host.name}`) : name === host.name;
}

const isAtAddress = ({ ranges }: TargetRule, address: IpAddress, special: SpecialRange | undefined): boolean =>
  ranges === undefined
    ? special === undefined
    : ranges.some((range) => contains(range, address) && (special === undefined || isWithin(range, special.range)));

const namesOnePort = ({ ports }: TargetRule): boolean => ports !== undefined && ports[0] === ports[1];

const textOf = ({ scheme, host, port }: TargetEndpoint): string =>
  `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`;
