import { INVARIANTS, type Violation } from './check/invariants.ts';
import type { Outcome } from './simulation.ts';

/** A worker's report on one seed. */
export interface SeedReport {
  readonly seed: number;
  readonly violations: readonly Violation[];
  readonly counters: Readonly<Record<string, number>>;
  readonly simulatedMs: number;
  /** The description of a failing seed, or of one whose trace was requested; otherwise empty. */
  readonly text: string;
}

const MOST_LINES = 120;
const MOST_VIOLATIONS = 5;

/** Reduces an outcome to its report. */
export function reportOf(outcome: Outcome, wholeTrace: boolean): SeedReport {
  const { seed, violations, counters, simulatedMs } = outcome;
  const text = violations.length > 0 ? story(outcome, wholeTrace) : wholeTrace ? outcome.trace.lines().join('\n') : '';
  return { seed, violations, counters, simulatedMs, text };
}

function story({ seed, violations, trace }: Outcome, wholeTrace: boolean): string {
  const gid = violations.find((violation) => violation.gid !== '')?.gid;
  const lines =
    wholeTrace || gid === undefined
      ? trace.lines(wholeTrace ? {} : { most: MOST_LINES })
      : trace.lines({ gid, most: MOST_LINES });
  const shown = violations
    .slice(0, MOST_VIOLATIONS)
    .map(
      ({ invariant, atMs, gid: about, detail }) =>
        `  ${invariant} ${INVARIANTS[invariant]}\n     ${about === '' ? '' : `${about}: `}${detail} (at ${atMs.toFixed(0)} ms)`,
    );
  return [
    `seed ${seed} violates`,
    ...shown,
    `  again: npm run simulate -- --seed ${seed}`,
    '',
    '   time/ms  node gid    what happened',
    ...lines,
  ].join('\n');
}

/** One paragraph about a run: the amount of simulation, and the events it covered. */
export function summary(
  seeds: number,
  simulatedMs: number,
  tookMs: number,
  counters: Readonly<Record<string, number>>,
  violations: number,
): string {
  const transactions = sum(counters, 'transactions ');
  const met = Object.entries(counters)
    .filter(([what]) => !what.startsWith('transactions ') && !what.startsWith('log: '))
    .map(([what, times]) => `${what} ${times}`);
  return [
    `${seeds} seeds, ${transactions} transactions, ${(simulatedMs / 3_600_000).toFixed(1)} simulated hours in ${(tookMs / 1_000).toFixed(1)} s: ${violations} violations`,
    ...wrapped(met),
  ].join('\n');
}

const sum = (counters: Readonly<Record<string, number>>, prefix: string): number =>
  Object.entries(counters).reduce((total, [what, times]) => (what.startsWith(prefix) ? total + times : total), 0);

function wrapped(parts: readonly string[]): string[] {
  const lines: string[] = [];
  for (const part of parts) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + part.length < 110) lines[lines.length - 1] = `${last} · ${part}`;
    else lines.push(`  ${part}`);
  }
  return lines;
}
