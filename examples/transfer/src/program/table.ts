import { money } from '../banks/money.ts';
import type { Run } from './run.ts';
import { totalOf, type Verdict } from './verdict.ts';

/** A run with its verdict. */
export interface JudgedRun {
  readonly run: Run;
  readonly verdict: Verdict;
}

const HEAD = ['pattern', 'failure', 'outcome', 'Ana before → after', 'Ben before → after', 'in all', 'left prepared'];
/** Columns of figures, which are right-aligned. */
const FIGURES: ReadonlySet<number> = new Set([3, 4, 5]);

/** One line per run below a line of titles; columns are padded to equal width. */
export function tableOf(runs: readonly JudgedRun[]): readonly string[] {
  const rows = [HEAD, ...runs.map(rowOf)];
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) => row.map((cell, column) => pad(cell, widths[column] ?? 0, column)).join('   '));
}

function rowOf({ run: { pattern, failure, before, after, prepared }, verdict }: JudgedRun): string[] {
  const totals = [...new Set([totalOf(before), totalOf(after)])];
  return [
    pattern,
    failure,
    `${verdict.complaints.length === 0 ? '✓' : '✗'} ${verdict.outcome}`,
    `${money(before.ana)} → ${money(after.ana).padStart(6)}`,
    `${money(before.ben)} → ${money(after.ben).padStart(6)}`,
    totals.map(money).join(' → '),
    prepared.length === 0 ? 'nothing' : prepared.join(', '),
  ];
}

const pad = (cell: string, width: number, column: number): string =>
  FIGURES.has(column) ? cell.padStart(width) : cell.padEnd(width);
