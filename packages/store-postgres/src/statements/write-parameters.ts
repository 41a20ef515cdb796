/**
 * The parameters of a batch, in the order of the statement. Positions, in `bodies` and in lists,
 * start at 1.
 */
const ALWAYS = {
  floor: 'bigint',
  wall: 'bigint',
  /** All bodies, concatenated. */
  bodies: 'bytea',
  // Values that inserts and updates set and often share: each distinct set once; an item contains
  // its position.
  namespaces: 'text[]',
  statuses: 'text[]',
  owners: 'text[]',
  attentions: 'bool[]',
  patterns: 'text[]',
  groups: 'text[]',
  insertSets: 'int[]',
  insertGids: 'text[]',
  insertWriteIds: 'text[]',
  insertDueIns: 'bigint[]',
  insertFroms: 'int[]',
  insertDefinitionLengths: 'int[]',
  insertStateLengths: 'int[]',
  updateItems: 'int[]',
  updateSets: 'int[]',
  updateGids: 'text[]',
  updateVersions: 'bigint[]',
  updateWriteIds: 'text[]',
  updateDueIns: 'bigint[]',
  updateFroms: 'int[]',
  updateStateLengths: 'int[]',
} as const;

/** Additional parameters of a batch with appends. */
const FOR_APPENDS = {
  appendItems: 'int[]',
  appendNamespaces: 'text[]',
  appendGids: 'text[]',
  appendStatuses: 'text[]',
  appendPatterns: 'text[]',
  appendRooms: 'int[]',
  appendByteRooms: 'bigint[]',
  appendPostpones: 'bigint[]',
  appendFirsts: 'int[]',
  appendLasts: 'int[]',
  entryKeys: 'text[]',
  entryFroms: 'int[]',
  entryLengths: 'int[]',
} as const;

const TYPES = { ...ALWAYS, ...FOR_APPENDS };
type Name = keyof typeof TYPES;

/** Values by name. */
export type WriteParameters = Readonly<Record<keyof typeof ALWAYS, unknown>>;
export type AppendParameters = Readonly<Record<keyof typeof FOR_APPENDS, unknown>>;

const ALWAYS_NAMES = Object.keys(ALWAYS) as (keyof typeof ALWAYS)[];
const APPEND_NAMES = Object.keys(FOR_APPENDS) as (keyof typeof FOR_APPENDS)[];

/** A parameter as it appears in the statement. */
export const p = Object.fromEntries(
  [...ALWAYS_NAMES, ...APPEND_NAMES].map((name, i) => [name, `$${i + 1}::${TYPES[name]}`]),
) as Readonly<Record<Name, string>>;

/** The values in the order of the statement. */
export function writeValues(parameters: WriteParameters, appends: AppendParameters | undefined): unknown[] {
  const values: unknown[] = ALWAYS_NAMES.map((name) => parameters[name]);
  if (appends !== undefined) for (const name of APPEND_NAMES) values.push(appends[name]);
  return values;
}
