import type { CallContents } from '@holdfast/core';
import { BRANCH_PROTOCOLS, type SecretFault, secretFaultOf } from '@holdfast/protocol';
import type {
  AdmissionContext,
  BranchCall,
  BranchInterceptor,
  BranchProtocol,
  BranchTarget,
  Origin,
  StatedProtocol,
} from './branch-protocol.ts';
import { RecentlyUsed } from './recently-used.ts';
import { type BranchSecrets, NO_SECRETS } from '../secrets/branch-secrets.ts';
import type { BranchTargets } from '../targets/branch-targets.ts';

/** How the branches of one URL are called. */
export interface Route {
  readonly protocol: BranchProtocol;
  readonly target: BranchTarget;
  /** The protocol's call within its interceptors. */
  readonly call: BranchCall;
}

export interface BranchRegistryOptions {
  /** In this order they are offered each URL; the last one must match every URL. */
  readonly protocols: readonly BranchProtocol[];
  /** The first is the outermost: it receives the request first and the result last. */
  readonly interceptors?: readonly BranchInterceptor[];
  /** The rules for the targets of transactions; absent: every target is allowed. */
  readonly targets?: BranchTargets;
  /** The secrets that `branch_headers` may name; absent: none. */
  readonly secrets?: BranchSecrets;
  /** Maximum number of cached URLs per stated protocol. */
  readonly cacheSize?: number;
}

const DEFAULT_CACHE_SIZE = 4_096;

/**
 * Finds the protocol that calls a branch. The interceptors are composed with each protocol once,
 * and each URL is parsed once: a call costs one lookup by its URL.
 */
export class BranchRegistry {
  readonly #protocols: readonly BranchProtocol[];
  readonly #calls: ReadonlyMap<BranchProtocol, BranchCall>;
  readonly #routes: RecentlyUsed<Route>;
  /** For the transactions whose `protocol` is not `http`. */
  readonly #stated: ReadonlyMap<string, RecentlyUsed<Route>>;
  readonly #targets: BranchTargets | undefined;
  readonly #secrets: BranchSecrets;

  constructor(options: BranchRegistryOptions) {
    const { protocols, interceptors = [], targets, secrets = NO_SECRETS, cacheSize = DEFAULT_CACHE_SIZE } = options;
    this.#targets = targets;
    this.#secrets = secrets;
    this.#protocols = protocols;
    this.#calls = new Map(protocols.map((protocol) => [protocol, composed(protocol, interceptors)]));
    const routes = (stated: StatedProtocol): RecentlyUsed<Route> =>
      new RecentlyUsed(cacheSize, (url) => this.#find(url, stated));
    this.#routes = routes('http');
    this.#stated = new Map(
      BRANCH_PROTOCOLS.filter((stated) => stated !== 'http').map((stated) => [stated, routes(stated)]),
    );
  }

  /**
   * The route for a URL. The same URL gives the same object while it is used.
   *
   * @param stated the transaction's `protocol`
   */
  of(url: string, stated: StatedProtocol = 'http'): Route {
    if (stated === 'http') return this.#routes.of(url);
    return (this.#stated.get(stated) ?? this.#routes).of(url);
  }

  /** The key by which calls to a URL are limited; empty for an empty URL, which is never called. */
  destinationOf(url: string): string {
    return url === '' ? '' : this.of(url).target.destination;
  }

  /** Why a transaction of a namespace must not have a branch with this URL; undefined if it may. */
  admit(url: string, namespace: string, context: AdmissionContext, origin: Origin): string | undefined {
    const { protocol, target } = this.of(url, context.protocol);
    return protocol.admit?.(target, context, origin) ?? this.#refusalOf(target, namespace);
  }

  /** Why no call of this URL with these contents can be made; undefined if calls can be made. */
  faultOf(url: string, contents: CallContents): string | undefined {
    const { protocol, target } = this.of(url, contents.protocol);
    return protocol.faultOf?.(target, contents);
  }

  /** Whether `faultOf` depends on the contents, for a transaction of any stated protocol. */
  dependsOnContents(url: string): boolean {
    return BRANCH_PROTOCOLS.some((stated) => this.of(url, stated).protocol.faultOf !== undefined);
  }

  /** Why calls in a namespace cannot have these headers; undefined if they can at present. */
  secretFaultOf(namespace: string, headers: Readonly<Record<string, string>>): SecretFault | undefined {
    return secretFaultOf(headers, (name) => this.#secrets.find(namespace, name));
  }

  /** Closes every protocol. */
  async close(): Promise<void> {
    await Promise.all(this.#protocols.map(async (protocol) => protocol.close?.()));
  }

  /** Why the rules for targets do not allow calls of a URL in a namespace; undefined if they do. */
  refusalOf(url: string, namespace: string): string | undefined {
    return this.#targets === undefined ? undefined : this.#refusalOf(this.of(url).target, namespace);
  }

  #refusalOf({ destination, endpoints }: BranchTarget, namespace: string): string | undefined {
    return endpoints === undefined ? undefined : this.#targets?.faultOf(namespace, destination, endpoints);
  }

  #find(url: string, stated: StatedProtocol): Route {
    for (const [protocol, call] of this.#calls)
      if (protocol.matches(url, stated)) return { protocol, target: protocol.parse(url), call };
    throw new TypeError(`no protocol matches ${url}: the last protocol of a registry must match every URL`);
  }
}

function composed(protocol: BranchProtocol, interceptors: readonly BranchInterceptor[]): BranchCall {
  const call: BranchCall = (request, target) => protocol.call(request, target);
  return interceptors.reduceRight((next, intercept) => intercept(next, protocol), call);
}
