import type { Exploration } from './explore.ts';
import { INVARIANTS } from './invariants.ts';
import type { Budget, Scenario } from './scenario.ts';

/** One line about an exploration, or the path to its violation. */
export function describeExploration(scenario: Scenario, exploration: Exploration): string {
  const { states, transitions, depth, complete, tookMs, violation } = exploration;
  const numbers = `${states} states, ${transitions} transitions, depth ${depth}, ${(tookMs / 1_000).toFixed(1)} s`;
  const line = `${nameOf(scenario)}: ${numbers}${complete ? '' : ' (ended early)'}`;
  if (violation === undefined) return line;
  const { invariant, detail } = violation.violation;
  return [
    line,
    `  violates ${invariant}: ${INVARIANTS[invariant]}`,
    `  ${detail}`,
    '  the shortest path:',
    ...violation.path.map((label, i) => `    ${i + 1}. ${label}`),
    ...(violation.rest.length === 0 ? [] : ['  and then, without further faults:']),
    ...violation.rest.map((label) => `       ${label}`),
  ].join('\n');
}

/** The last line of the report. */
export function summary(explorations: readonly Exploration[], tookMs: number): string {
  const sum = (count: (one: Exploration) => number): number =>
    explorations.reduce((total, one) => total + count(one), 0);
  const violations = sum(({ violation }) => (violation === undefined ? 0 : 1));
  const depth = Math.max(0, ...explorations.map((one) => one.depth));
  return [
    `${explorations.length} scenarios, ${sum(({ states }) => states)} states, ${sum(({ transitions }) => transitions)} transitions,`,
    `depth ${depth}, ${Object.keys(INVARIANTS).length} invariants, ${(tookMs / 1_000).toFixed(1)} s:`,
    `${violations} violations`,
  ].join(' ');
}

function nameOf({ name, branches, budget }: Scenario): string {
  const spent = (Object.keys(budget) as (keyof Budget)[]).filter((kind) => budget[kind] > 0);
  return `${name} of ${branches} (${spent.map((kind) => `${kind} ${budget[kind]}`).join(', ')})`;
}
