/** A table for people: the first columns, which name things, to the left; figures to the right. */
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

/** A figure with so many digits after the point; a dash when it is not known. */
export const figure = (value: number | undefined, digits = 0): string =>
  value === undefined
    ? UNKNOWN
    : value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });

/** A share as a percentage. */
export const percent = (share: number | undefined, digits = 0): string =>
  share === undefined ? UNKNOWN : `${figure(share * 100, digits)} %`;
