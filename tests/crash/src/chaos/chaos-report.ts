import { chaosCommandOf, type ChaosOptions } from './chaos-options.ts';
import { groupBy } from './group-by.ts';
import { type ChaosResult, isInnocent } from './run-chaos.ts';

const SHOWN_VIOLATIONS = 20;

/** What was seen. */
export function describeChaos(options: ChaosOptions, result: ChaosResult): string {
  const { cases, books, violations, faults, missing, oneSided, deaths, folder } = result;
  const byPattern = groupBy(cases, ({ plan }) => plan.pattern);
  const kinds = [...groupBy(violations, ({ kind }) => kind)].map(([kind, all]) => `${kind} ${all.length}`);
  return [
    '',
    `transactions  ${cases.length} on ${options.database} (${options.isolation})`,
    ...[...byPattern].map(
      ([pattern, all]) => `  ${pattern.padEnd(10)}  ${statusesOf(all.map(({ status }) => status))}`,
    ),
    `effects       ${books.entries.length}`,
    'faults',
    ...faults.all().map(([kind, times]) => `  ${String(times).padStart(5)}  ${kind}`),
    ...(missing.length > 0 ? [`NEVER HAPPENED  ${missing.join(', ')}`] : []),
    ...(oneSided.length > 0 ? [`ONE-SIDED     ${oneSided.join(', ')}`] : []),
    ...(deaths > 0 ? [`DIED          ${deaths} processes that were not killed`] : []),
    `prepared      ${books.prepared.length} left`,
    ...violations.slice(0, SHOWN_VIOLATIONS).map(({ kind, gid, detail }) => `VIOLATION ${kind} ${gid}: ${detail}`),
    `violations    ${violations.length}${kinds.length > 0 ? ` (${kinds.join(', ')})` : ''}`,
    ...(folder === undefined ? [] : [`notes         ${folder}`]),
    isInnocent(result) ? 'PASSED' : 'FAILED',
    `repeat with   ${chaosCommandOf(options)}`,
  ].join('\n');
}

function statusesOf(statuses: readonly string[]): string {
  return [...groupBy(statuses, (status) => status)]
    .toSorted(([a], [b]) => a.localeCompare(b))
    .map(([status, all]) => `${status} ${all.length}`)
    .join(', ');
}
