/**
 * The values of each row of a result as texts, in the order of the statement's columns.
 *
 * By position, since the application's settings decide how a row is made: a list (`rowsAsArray`),
 * objects by table (`nestTables`), bytes (`typeCast: false`), names in camel case (plugins of query
 * builders).
 */
export function valuesOfRows(rows: unknown): readonly (readonly string[])[] {
  return Array.isArray(rows) ? rows.map(valuesOf) : [];
}

function valuesOf(row: unknown): readonly string[] {
  if (Buffer.isBuffer(row)) return [row.toString()];
  return typeof row === 'object' && row !== null ? Object.values(row).flatMap(valuesOf) : [String(row)];
}
