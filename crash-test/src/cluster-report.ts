import type { ClusterJudgement } from './cluster-judge.ts';
import type { Outage } from './outages.ts';
import type { RunResult } from './run.ts';
import { TAKE_OVER_SLACK_MS } from './take-over.ts';

/** Violations by coordinators are told so many times. */
const SHOWN = 20;

/** What was seen of coordinators that share a store. */
export function clusterLines(
  { disturbed, firstReadyMs, settledMs }: RunResult,
  { takeOvers, violations }: ClusterJudgement,
  silenceMs: number,
): string[] {
  const of = (kind: Outage['kind']): readonly Outage[] => disturbed.outages.filter((outage) => outage.kind === kind);
  const took = takeOvers.map(({ tookMs }) => tookMs).toSorted((a, b) => a - b);
  const limit = `the limit is ${silenceMs + TAKE_OVER_SLACK_MS} ms`;
  return [
    `outages         ${of('kill').length} kills, ${of('pause').length} pauses, the database killed ${of('database').length} times`,
    `sessions        ${disturbed.sessions.length}`,
    took.length === 0
      ? 'take-over       nothing was being called when a coordinator vanished'
      : `take-over       longest ${took.at(-1)} ms, median ${took[took.length >> 1]} ms, of ${took.length} transactions; ${limit}`,
    `time to recover first start ${Math.round(firstReadyMs)} ms; all transactions final ${(settledMs / 1000).toFixed(1)} s after the last outage`,
    ...violations.slice(0, SHOWN).map(({ kind, node, detail }) => `VIOLATION ${kind} by ${node}: ${detail}`),
    ...(violations.length > SHOWN ? [`… and ${violations.length - SHOWN} more by coordinators`] : []),
  ];
}
