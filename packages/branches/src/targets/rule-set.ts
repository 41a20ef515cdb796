import { type IpAddress, isWithin, parseAddress, textOfAddress } from './ip-address.ts';
import { comparedName } from './host.ts';
import { RuleIndex } from './rule-index.ts';
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
  readonly #denying: RuleIndex;
  readonly #allowing: RuleIndex;
  readonly #unlisted: UnlistedTargets;
  readonly #isOwn: IsOwn;

  constructor(rules: readonly TargetRule[], unlisted: UnlistedTargets, isOwn: IsOwn = () => false) {
    this.#denying = new RuleIndex(rules.filter(({ allows }) => !allows));
    this.#allowing = new RuleIndex(rules.filter(({ allows }) => allows));
    this.#unlisted = unlisted;
    this.#isOwn = isOwn;
  }

  /** Whether there are rules that allow targets, so that all others are not allowed. */
  get allowsOnlyListed(): boolean {
    return !this.#allowing.isEmpty;
  }

  /**
   * Why a branch must not have this target; undefined if it may. The addresses of a name are
   * checked when a connection is opened.
   */
  faultOf(endpoint: TargetEndpoint): string | undefined {
    const address = parseAddress(endpoint.host);
    if (address !== undefined) return this.#faultAt(endpoint, address);
    const denying = this.#denying.about(endpoint).find(({ ranges }) => ranges === undefined);
    if (denying !== undefined) return deniedBy(denying);
    if (LOCALHOST.test(comparedName(endpoint.host))) return this.#faultAtAll(endpoint, LOOPBACK);
    const isListed = this.#allowing.isEmpty || this.#allows(endpoint);
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
    const denying = this.#deniedAt(endpoint, address);
    if (denying !== undefined) return deniedBy(denying);
    if (this.#allowing.isEmpty && this.#unlisted === 'all') return undefined;
    const special = specialRangeOf(address);
    const allowing = this.#allowedAt(endpoint, address, special);
    if (this.#isOwn(address, endpoint.port) && !allowing.some(namesOnePort))
      return `this coordinator listens at ${textOf(endpoint)}; a rule of branchTargets with just this port could allow it`;
    if (allowing.length > 0) return undefined;
    if (this.#allowing.isEmpty && special === undefined) return undefined;
    if (special === undefined || (!this.#allowing.isEmpty && !this.#allows(endpoint)))
      return `no rule of branchTargets allows ${textOf(endpoint)}`;
    return `${textOfAddress(address)} is in ${special.text} (${special.kind}), which no rule of branchTargets allows`;
  }

  /** Whether a rule allows a target at some address. */
  #allows(endpoint: TargetEndpoint): boolean {
    return this.#allowing.about(endpoint).length > 0 || this.#allowing.hasRangeFor(endpoint);
  }

  #allowedAt(endpoint: TargetEndpoint, address: IpAddress, special: SpecialRange | undefined): readonly TargetRule[] {
    const about = this.#allowing.about(endpoint);
    const ranged = this.#allowing
      .at(endpoint, about, address)
      .filter(([, range]) => special === undefined || isWithin(range, special.range))
      .map(([rule]) => rule);
    return special === undefined ? [...about.filter(({ ranges }) => ranges === undefined), ...ranged] : ranged;
  }

  #deniedAt(endpoint: TargetEndpoint, address: IpAddress): TargetRule | undefined {
    if (this.#denying.isEmpty) return undefined;
    const about = this.#denying.about(endpoint);
    const general = about.find(({ ranges }) => ranges === undefined);
    if (general !== undefined) return general;
    const embedded = embeddedIn(address);
    const places = embedded === undefined ? [address] : [address, embedded];
    return places.flatMap((place) => this.#denying.at(endpoint, about, place))[0]?.[0];
  }
}

/** Names that always mean this machine (RFC 6761, 6.3). */
const LOCALHOST = /^(?:.+\.)?localhost$/;
const LOOPBACK = ['127.0.0.1', '::1'];

const deniedBy = ({ text }: TargetRule): string => `the rule ${JSON.stringify(text)} of branchTargets denies it`;

const namesOnePort = ({ ports }: TargetRule): boolean => ports !== undefined && ports[0] === ports[1];

const textOf = ({ scheme, host, port }: TargetEndpoint): string =>
  `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`;
