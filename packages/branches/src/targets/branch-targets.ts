import { RecentlyUsed } from '../registry/recently-used.ts';
import { type ListeningAt, ownAddresses } from './own-addresses.ts';
import { RuleSet, type UnlistedTargets } from './rule-set.ts';
import type { TargetEndpoint } from './target-rule.ts';
import { parseTargetRules, type TargetRules } from './target-rules.ts';

/** Why no connection to a target may be opened at an address; undefined if it may. */
export type ConnectGuard = (endpoint: TargetEndpoint, address: string) => string | undefined;

/** What is known of one destination under some rules. */
interface Verdict {
  /** The key of the connections that may be used. */
  readonly pool: string;
  isKnown: boolean;
  fault: string | undefined;
}

/** The rules of one namespace, or those of all others. */
interface Ruling {
  readonly id: string;
  /** Undefined: of all namespaces without rules for them alone. */
  readonly namespace: string | undefined;
  readonly rules: RuleSet;
  readonly verdicts: RecentlyUsed<Verdict>;
}

const CACHED_VERDICTS = 4_096;

/**
 * The current rules for the targets of branches. Owns them, and a cache of their verdicts.
 *
 * A1  A connection is opened under the rules for a namespace and used only under the same rules:
 *     the key of its pool contains the ID of the rules, and rules that replace others have new IDs.
 *     So a call never uses a connection that its rules have not checked.
 */
export class BranchTargets {
  readonly #unlisted: UnlistedTargets;
  #given: TargetRules = {};
  #listening: readonly ListeningAt[] = [];
  #general: Ruling | undefined;
  #byNamespace: ReadonlyMap<string, Ruling> = new Map();
  #rulings = 0;

  /**
   * @param unlisted what is allowed where no rule allows anything
   * @throws {TargetRuleError} a rule is not valid
   */
  constructor(rules: TargetRules = {}, unlisted: UnlistedTargets = 'all') {
    this.#unlisted = unlisted;
    this.replace(rules);
  }

  /**
   * Replaces the rules. They apply to the transactions and calls that start from now on.
   *
   * @throws {TargetRuleError} a rule is not valid; the previous rules stay
   */
  replace(rules: TargetRules): void {
    const { general, namespaces } = parseTargetRules(rules);
    const isOwn = ownAddresses(this.#listening);
    const ruling = (set: RuleSet, namespace?: string): Ruling => {
      const id = String(++this.#rulings);
      const create = (destination: string): Verdict => ({
        pool: `${id} ${destination}`,
        isKnown: false,
        fault: undefined,
      });
      return { id, namespace, rules: set, verdicts: new RecentlyUsed(CACHED_VERDICTS, create) };
    };
    const isOpen = general.length === 0 && this.#unlisted === 'all';
    this.#general = isOpen ? undefined : ruling(new RuleSet(general, this.#unlisted, isOwn));
    const denying = general.filter(({ allows }) => !allows);
    this.#byNamespace = new Map(
      [...namespaces].map(([name, own]) => [
        name,
        ruling(new RuleSet([...denying, ...own], this.#unlisted, isOwn), name),
      ]),
    );
    this.#given = rules;
  }

  /** Where this coordinator listens: branches there need a rule that names the port. */
  listensAt(listening: readonly ListeningAt[]): void {
    this.#listening = listening;
    this.replace(this.#given);
  }

  /**
   * Why a branch of a namespace must not have a target; undefined if it may.
   *
   * @param destination the same for the same endpoints
   */
  faultOf(namespace: string, destination: string, endpoints: readonly TargetEndpoint[]): string | undefined {
    const ruling = this.#rulingFor(namespace);
    if (ruling === undefined) return undefined;
    const verdict = ruling.verdicts.of(destination);
    if (!verdict.isKnown) {
      verdict.isKnown = true;
      for (const endpoint of endpoints) verdict.fault ??= ruling.rules.faultOf(endpoint);
    }
    return verdict.fault;
  }

  /** Whether a namespace has rules by which targets are allowed, so that all others are not. */
  allowsOnlyListed(namespace: string): boolean {
    return this.#rulingFor(namespace)?.rules.allowsOnlyListed === true;
  }

  /** The key of the connections to a destination that calls of a namespace may use. */
  poolOf(namespace: string, destination: string): string {
    return this.#rulingFor(namespace)?.verdicts.of(destination).pool ?? destination;
  }

  /** The check of each address that connections of a pool are opened to; undefined: no check. */
  guardOf(pool: string): ConnectGuard | undefined {
    const destination = destinationIn(pool);
    if (destination === pool) return undefined;
    const id = pool.slice(0, -destination.length - 1);
    const opened = [this.#general, ...this.#byNamespace.values()].find((ruling) => ruling?.id === id);
    if (opened === undefined) return () => 'the rules of branchTargets have changed';
    const { namespace } = opened;
    // Calls that wait in the pool may be sent after the rules were replaced.
    return (endpoint, address) => {
      const current = namespace === undefined ? this.#general : this.#rulingFor(namespace);
      return current?.rules.faultOfAddress(endpoint, address);
    };
  }

  #rulingFor(namespace: string): Ruling | undefined {
    return this.#byNamespace.size === 0 ? this.#general : (this.#byNamespace.get(namespace) ?? this.#general);
  }
}

/** The destination of the connections with a key of `poolOf`. Destinations contain no space. */
export const destinationIn = (pool: string): string => pool.slice(pool.indexOf(' ') + 1);
