import type { ClusterJudgement } from './cluster-judge.ts';
import type { Outage } from './outages.ts';
import type { RunResult } from './run.ts';
import { TAKE_OVER_SLACK_MS } from './take-over.ts';

/** The number of violations by coordinators that are reported in full. */
const SHOWN = 20;

/** What was seen of coordinators that share a store. */
export function clusterLines(
  { disturbed, firstReadyMs, settledMs }: RunResult,
  { takeOvers, endedSessions, violations }: ClusterJudgement,
  silenceMs: number,
): string[] {
  const of = (kind: Outage['kind']): readonly Outage[] => disturbed.outages.filter((outage) => outage.kind === kind);
  const limit = `the limit is ${silenceMs + TAKE_OVER_SLACK_MS} ms`;
  return [
    `outages         ${of('kill').length} kills, ${of('pause').length} pauses, the database killed ${of('database').length} times`,
    `sessions        ${disturbed.sessions.length}; of crashed or paused coordinators, ended ${spanOf(endedSessions)}`,
    `takeovers       of transactions with a call in flight ${spanOf(takeOvers)}; ${limit}`,
    `time to recover first start ${Math.round(firstReadyMs)} ms; all transactions final ${(settledMs / 1000).toFixed(1)} s after the last outage`,
    ...violations.slice(0, SHOWN).map(({ kind, node, detail }) => `VIOLATION ${kind} by ${node}: ${detail}`),
    ...(violations.length > SHOWN ? [`… and ${violations.length - SHOWN} more by coordinators`] : []),
  ];
}

function spanOf(those: readonly { readonly tookMs: number }[]): string {
  const took = those.map(({ tookMs }) => tookMs).toSorted((a, b) => a - b);
  if (took.length === 0) return '0';
  return `${took.length}, the longest after ${took.at(-1)} ms, the median after ${took[took.length >> 1]} ms`;
}
