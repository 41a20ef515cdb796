import { cut, padEnd, type Paint, widthOf } from './text.ts';

export interface Column<T> {
  readonly title: string;
  readonly text: (row: T) => string;
  readonly paint?: (row: T, text: string, paint: Paint) => string;
}

const GAP = '  ';

/** Column widths for these rows; later pages of the same table keep them. */
export function columnWidths<T>(columns: readonly Column<T>[], rows: readonly T[]): number[] {
  return columns.map((column) => Math.max(widthOf(column.title), ...rows.map((row) => widthOf(column.text(row)))));
}

export function tableHead<T>(columns: readonly Column<T>[], widths: readonly number[], paint: Paint): string {
  const cells = columns.map((column, index) => padEnd(column.title, widths[index] ?? 0));
  return paint('dim', cells.join(GAP).trimEnd());
}

/** One line; the last column is cut to the remaining width of the terminal. */
export function tableRow<T>(
  columns: readonly Column<T>[],
  widths: readonly number[],
  row: T,
  terminalWidth: number,
  paint: Paint,
): string {
  let left = terminalWidth;
  const cells = columns.map((column, index) => {
    const width = widths[index] ?? 0;
    const last = index === columns.length - 1;
    const text = last ? cut(column.text(row), Math.max(left, 1)) : padEnd(column.text(row), width);
    left -= Math.max(width, widthOf(text)) + GAP.length;
    return column.paint === undefined ? text : column.paint(row, text, paint);
  });
  return cells.join(GAP).trimEnd();
}
