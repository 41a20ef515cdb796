import { isIP } from 'node:net';
import { normalHost } from '../targets/host.ts';
import { serversOfList } from '@holdfast/protocol/grpc';
import type { Names } from '../names/names.ts';

/** One server of a gRPC target. */
export interface GrpcEndpoint {
  /** A name or an address. */
  readonly host: string;
  readonly port: number;
  /** The name that `host` is an address of; absent: `host` is what the target names. */
  readonly name?: string;
}

/** Finds the servers of gRPC targets with certain schemes. */
export interface GrpcResolver {
  /** For example `dns`; empty: targets without a scheme. */
  readonly schemes: readonly string[];
  /** Why a target cannot be resolved, whatever the time; undefined if it can. */
  faultOf(server: string): string | undefined;
  /**
   * The servers that a target without a fault names, before they are resolved; without this method
   * the operator's rules are checked only when a connection is opened.
   */
  endpointsOf?(server: string): readonly GrpcEndpoint[];
  /**
   * Resolves to at least one endpoint. Calls are distributed over all of them. Called again when a
   * connection is lost, and every `RESOLVE_AGAIN_MS`. Rejects with an error that names the server.
   * The calls that wait fail after the timeout for connecting.
   */
  resolve(server: string): Promise<readonly GrpcEndpoint[]>;
}

/** How long the endpoints of a target are used before they are resolved again. */
export const RESOLVE_AGAIN_MS = 30_000;

/** The one server of a target without a scheme. All addresses of its name are tried in turn. */
export const passThrough: GrpcResolver = {
  schemes: [''],
  faultOf: (server) => (endpointIn(server) === undefined ? NO_SERVER : undefined),
  endpointsOf: (server) => [endpointOf(server)],
  resolve: async (server) => [endpointOf(server)],
};

/** `direct://host1:port1,host2:port2`, a static list. */
export const staticList: GrpcResolver = {
  schemes: ['direct'],
  faultOf: (server) => (endpointsIn(server).includes(undefined) ? 'must be direct://host:port,host:port' : undefined),
  endpointsOf: (server) => serversOfList(server).map(endpointOf),
  resolve: async (server) => serversOfList(server).map(endpointOf),
};

/** `dns:///host:port`: every address of the name is one server. */
export const dnsResolver = (names: Names): GrpcResolver => ({
  schemes: ['dns'],
  faultOf: (server) =>
    server.startsWith('/') && endpointIn(server.slice(1)) !== undefined
      ? undefined
      : 'must be dns:///host:port, without a DNS server between the slashes',
  endpointsOf: (server) => [endpointOf(server.slice(1))],
  resolve: async (server) => {
    const { host, port } = endpointOf(server.slice(1));
    if (isIP(host) !== 0) return [{ host, port }];
    const addresses = await names.lookUp(host);
    return addresses.map((address) => ({ host: address, port, name: host }));
  },
});

const NO_SERVER = 'a gRPC branch must have a host and a port: host:port/package.Service/Method';

const endpointsIn = (server: string): readonly (GrpcEndpoint | undefined)[] => serversOfList(server).map(endpointIn);

/** Parses `host:port`; an IPv6 address is in brackets. Undefined if it is malformed. */
function endpointIn(server: string): GrpcEndpoint | undefined {
  const match = /^(\[[0-9a-f:.]+\]|[^\s:/@,[\]]+):(\d{1,5})$/i.exec(server);
  if (match === null) return undefined;
  const [, given = '', digits = ''] = match;
  const host = normalHost(given);
  const port = Number(digits);
  return host === undefined || port < 1 || port > 65_535 ? undefined : { host, port };
}

function endpointOf(server: string): GrpcEndpoint {
  const endpoint = endpointIn(server);
  if (endpoint === undefined) throw new Error(`${server} is not host:port`);
  return endpoint;
}
