import type { Outcome } from './outcome.ts';

/**
 * The cases as a table, group by group. The reason for a failed or skipped case follows its line.
 */
export function formatTable(outcomes: readonly Outcome[]): string {
  const groups = [...new Set(outcomes.map((outcome) => outcome.group))];
  const membersOf = (group: string): readonly Outcome[] => outcomes.filter((outcome) => outcome.group === group);
  return groups.flatMap((group) => ['', group, ...membersOf(group).flatMap(formatCase)]).join('\n');
}

/** The last line of a run: `N passed, N failed, N skipped`. */
export function formatTotals(outcomes: readonly Outcome[]): string {
  const count = (verdict: Outcome['verdict']): number =>
    outcomes.filter((outcome) => outcome.verdict === verdict).length;
  return `${count('pass')} passed, ${count('fail')} failed, ${count('skip')} skipped`;
}

/**
 * 0 when every case passed or, unless `requireAll`, was skipped; a run without a single case proves
 * nothing and is 1.
 */
export function exitCode(outcomes: readonly Outcome[], requireAll: boolean): 0 | 1 {
  const isBad = (outcome: Outcome): boolean => outcome.verdict === 'fail' || (requireAll && outcome.verdict === 'skip');
  return outcomes.length === 0 || outcomes.some(isBad) ? 1 : 0;
}

function formatCase({ verdict, durationMs, name, detail }: Outcome): readonly string[] {
  const mark = verdict === 'fail' ? 'FAIL' : verdict;
  const line = `  ${mark}  ${(durationMs / 1000).toFixed(2).padStart(6)} s  ${name}`;
  if (verdict === 'pass') return [line];
  const words = detail.split('\n').filter((text) => text.trim() !== '');
  return [line, ...words.map((text) => `        ${text.trimEnd()}`)];
}
