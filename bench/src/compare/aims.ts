/** The share of the ceiling (0 to 1) that a store should reach, by number of callers at once. */
const AIMS: Readonly<Record<string, Readonly<Record<number, number>>>> = {
  lmdb: { 64: 0.6, 256: 0.6 },
  postgres: { 64: 0.5, 256: 0.65 },
  mariadb: { 64: 0.45, 256: 0.55 },
  'redis-everysec': { 64: 0.65, 256: 0.65 },
  'redis-always': { 64: 0.65, 256: 0.65 },
};

/**
 * The share that a store should reach with this number of connections; undefined: there is no aim.
 */
export const aimOf = (name: string, connections: number): number | undefined => AIMS[name]?.[connections];

/** The share of an open coordinator's throughput that a secured one should reach. */
export const securedAimOf = (name: string): number | undefined =>
  name.endsWith('tokens') ? 0.9 : name.endsWith('tokens, signing, TLS') ? 0.75 : undefined;

/** The share of the throughput over HTTP that gRPC should reach. */
export const GRPC_AIM = 0.5;
