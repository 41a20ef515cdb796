/**
 * A human-readable table: the first columns, which contain names, are left-aligned, figures are
 * right-aligned.
 */
export function renderTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  leftColumns: number,
): string {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) =>
        column < leftColumns ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd();
  return [head, ...rows].map(line).join('\n');
}

const UNKNOWN = '–';

/** A figure with this number of decimals; a dash if it is unknown. */
export const figure = (value: number | undefined, digits = 0): string =>
  value === undefined
    ? UNKNOWN
    : value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });

/** A share as a percentage. */
export const percent = (share: number | undefined, digits = 0): string =>
  share === undefined ? UNKNOWN : `${figure(share * 100, digits)} %`;
