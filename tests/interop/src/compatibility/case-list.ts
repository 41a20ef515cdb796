import type { Outcome } from '../outcome.ts';
import type { SuiteName, SuiteOutcomes } from '../suite.ts';

/**
 * The names of the cases, by suite and group: the contents of `cases.json`, from which
 * `docs/compatibility.md` is generated.
 */
export type CaseList = Partial<Readonly<Record<SuiteName, Readonly<Record<string, readonly string[]>>>>>;

/** The cases of a run, sorted, so that the list does not depend on which case ended first. */
export function caseListOf(results: readonly SuiteOutcomes[]): CaseList {
  const suites = results.map(({ suite, outcomes }) => {
    const groups = [...new Set(outcomes.map(({ group }) => group))].toSorted();
    const names = (group: string) => outcomes.filter((outcome) => outcome.group === group).map(({ name }) => name);
    return [suite.name, Object.fromEntries(groups.map((group) => [group, names(group).toSorted()]))];
  });
  return Object.fromEntries(suites) as CaseList;
}

/**
 * What a run shows about the committed list: a failed case for each suite whose cases are others.
 * Suites with a case that did not pass are left out, as they fail anyway or are incomplete.
 */
export function differences(committed: CaseList, results: readonly SuiteOutcomes[]): readonly Outcome[] {
  return results.flatMap((result) => {
    if (result.outcomes.some(({ verdict }) => verdict !== 'pass')) return [];
    const { name } = result.suite;
    const [listed, run] = [keysOf(committed, name), keysOf(caseListOf([result]), name)];
    const added = run.filter((key) => !listed.includes(key)).map((key) => `not listed: ${key}`);
    const removed = listed.filter((key) => !run.includes(key)).map((key) => `not run: ${key}`);
    const detail = [...added, ...removed, 'run npm run interop -- --write-docs'].join('\n');
    const outcome = { group: 'Suite', name: 'has the cases that docs/compatibility.md is generated from', detail };
    return added.length + removed.length > 0 ? [{ ...outcome, verdict: 'fail', durationMs: 0 } as const] : [];
  });
}

/** The cases of a suite, as `GROUP/NAME`. */
export const keysOf = (list: CaseList, suite: SuiteName): readonly string[] =>
  Object.entries(list[suite] ?? {}).flatMap(([group, names]) => names.map((name) => `${group}/${name}`));
