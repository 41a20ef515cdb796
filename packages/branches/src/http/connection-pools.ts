import type { BranchConnections, ConnectTo } from './branch-connections.ts';
import type { HttpEnvironment } from '../http1/environment.ts';
import { machine } from '../http1/machine.ts';
import { HttpPool, type HttpPoolSettings } from '../http1/http-pool.ts';
import { HTTP_CLIENT_SETTINGS } from './client-settings.ts';
import { Names } from '../names/names.ts';
import { type ResolveName, resolverLookup, systemLookup } from '../names/resolve-name.ts';
import type { TlsSource } from '../tls/tls-source.ts';
import { OriginPools, type OriginPoolsOptions } from '../pools/origin-pools.ts';
import { type BranchTargets, destinationIn } from '../targets/branch-targets.ts';

export interface ConnectionPoolsOptions extends Omit<OriginPoolsOptions, 'clock'> {
  readonly settings?: Partial<HttpPoolSettings>;
  /** Clock and network; the machine's by default. */
  readonly environment?: HttpEnvironment;
  /**
   * How names are resolved: `own` uses the hosts file and DNS on the event loop, `system` uses
   * `getaddrinfo`.
   */
  readonly lookup?: NameLookup;
  /** Resolves names instead of `lookup`. */
  readonly resolve?: ResolveName;
  /** Opens the connections (see `undiciClient`); Holdfast's client by default. */
  readonly connectTo?: ConnectTo;
  /** The rules for the targets of branches; absent: every target is allowed. */
  readonly targets?: BranchTargets;
}

export type NameLookup = 'own' | 'system';

function lookupOf(lookup: NameLookup | undefined): ResolveName {
  const system = systemLookup();
  return lookup === 'system' ? system : resolverLookup(system);
}

/** The connections over HTTP/1.1, by origin, with the cache of resolved names. */
export class ConnectionPools extends OriginPools<BranchConnections> {
  /** Shared by everything that connects to branches. */
  readonly names: Names;
  /** The TLS of every connection to branches. */
  readonly tls: TlsSource;
  readonly targets: BranchTargets | undefined;

  constructor(options: ConnectionPoolsOptions = {}) {
    const environment = options.environment ?? machine;
    const { clock } = environment;
    const resolve = options.resolve ?? lookupOf(options.lookup);
    const names = new Names({ resolve, nowMs: () => clock.monotonicMs() });
    const settings = { names, ...HTTP_CLIENT_SETTINGS, ...options.settings };
    const connectTo = options.connectTo ?? ((origin, given) => new HttpPool(origin, given, environment));
    const { targets, onNoRoom } = options;
    const noRoom: OriginPoolsOptions['onNoRoom'] = (pool, ended) =>
      onNoRoom?.(destinationIn(pool), ended === undefined ? undefined : destinationIn(ended));
    super({ ...options, onNoRoom: noRoom, clock }, (pool) => {
      const guard = targets?.guardOf(pool);
      return connectTo(destinationIn(pool), guard === undefined ? settings : { ...settings, guard });
    });
    this.names = names;
    this.tls = options.settings?.tls ?? {};
    this.targets = targets;
  }

  /** The key by which calls of a namespace acquire the connections to a destination. */
  poolOf(namespace: string, destination: string): string {
    return this.targets === undefined ? destination : this.targets.poolOf(namespace, destination);
  }

  /** Closes every connection; calls in progress fail. */
  override async close(): Promise<void> {
    this.names.close();
    await super.close();
  }
}
