/** Share of the ceiling (0 to 1) that a store is to reach, by the callers at once. */
const AIMS: Readonly<Record<string, Readonly<Record<number, number>>>> = {
  lmdb: { 64: 0.6, 256: 0.6 },
  postgres: { 64: 0.5, 256: 0.65 },
  mariadb: { 64: 0.45, 256: 0.55 },
  'redis-everysec': { 64: 0.65, 256: 0.65 },
  'redis-always': { 64: 0.65, 256: 0.65 },
};

/** What a store is to reach with so many connections; undefined: nothing is said of that. */
export const aimOf = (name: string, connections: number): number | undefined => AIMS[name]?.[connections];
