import type { CallHistory } from './call-history.ts';
import type { NodeViolation } from './cluster-judge.ts';
import type { ResponseLine, CallLine } from './journal.ts';
import type { Outage } from './outages.ts';
import { REQUEST_TIMEOUT_S } from './plan.ts';
import type { Disturbed } from './subject.ts';

/** A transaction that a coordinator was working on when it was killed or paused. */
export interface TakeOver {
  readonly node: string;
  readonly gid: string;
  /**
   * From the kill or pause, or from the last outage since then, until a coordinator continued the
   * transaction.
   */
  readonly tookMs: number;
}

/** The time that a takeover may take beyond the silence limit. */
export const TAKE_OVER_SLACK_MS = 2_000;
/**
 * A coordinator abandons a call at its timeout; a call that is younger by this margin is certainly
 * still awaited.
 */
const MARGIN_MS = 100;

/**
 * The takeovers of the transactions that had a call in flight when a coordinator was killed or
 * paused.
 */
export function takeOversOf(calls: readonly CallHistory[], outages: readonly Outage[]): readonly TakeOver[] {
  return outages.flatMap((outage) =>
    outage.node === undefined ? [] : calls.flatMap((history) => takeOver(history, outage, outages)),
  );
}

function takeOver({ gid, plan, lines }: CallHistory, outage: Outage, outages: readonly Outage[]): readonly TakeOver[] {
  const { node, fromMs } = outage;
  // A workflow's initiator continues on its own, and each step that it records postpones the next
  // callback.
  if (plan.pattern === 'workflow') return [];
  if (node === undefined || !isWaiting(lines, node.address, fromMs)) return [];
  // A call that the lost coordinator had sent may still arrive.
  const next = lines.find((line) => line.kind === 'call' && line.atMs > fromMs + MARGIN_MS);
  if (next === undefined) return [];
  return [{ node: node.name, gid, tookMs: next.atMs - lastOutageMs(outages, fromMs, next.atMs) }];
}

/**
 * The node that takes over may itself be killed, or have no database: the limit then starts again.
 */
function lastOutageMs(outages: readonly Outage[], fromMs: number, untilMs: number): number {
  const times = outages.flatMap(({ kind, fromMs: downMs, backMs }) =>
    // While the database is disturbed, no takeover can be expected.
    kind === 'database' || kind === 'fault' ? [downMs, Math.min(backMs, Math.max(downMs, untilMs))] : [downMs],
  );
  return Math.max(fromMs, ...times.filter((ms) => ms <= untilMs));
}

/**
 * The session of a coordinator that was killed or paused, and how long it took until the others had
 * ended it.
 */
export interface EndedSession {
  readonly node: string;
  readonly tookMs: number;
}

export function endedSessionsOf({
  outages,
  sessions,
}: Pick<Disturbed, 'outages' | 'sessions'>): readonly EndedSession[] {
  return outages.flatMap(({ node, fromMs }) =>
    sessions
      .filter((session) => session.node === node?.name && session.seenAtMs < fromMs && session.untilMs > fromMs)
      .map(({ node: name, untilMs }) => ({ node: name, tookMs: untilMs - lastOutageMs(outages, fromMs, untilMs) })),
  );
}

/**
 * Whether a call of this coordinator was awaiting its response at that moment, before its timeout.
 */
function isWaiting(lines: readonly (CallLine | ResponseLine)[], address: string, atMs: number): boolean {
  const before = lines.filter((line) => line.from === address && line.atMs <= atMs);
  return before.some(
    (call) =>
      call.kind === 'call' &&
      call.atMs > atMs - REQUEST_TIMEOUT_S * 1000 + MARGIN_MS &&
      countOf(before, 'call', call) > countOf(before, 'response', call),
  );
}

const countOf = (
  lines: readonly (CallLine | ResponseLine)[],
  kind: 'call' | 'response',
  { branchId, op }: CallLine,
): number => lines.filter((line) => line.kind === kind && line.branchId === branchId && line.op === op).length;

/** Those that took too long. */
export function slowTakeOvers(
  takeOvers: readonly TakeOver[],
  ended: readonly EndedSession[],
  silenceMs: number,
): readonly NodeViolation[] {
  const limitMs = silenceMs + TAKE_OVER_SLACK_MS;
  const noticed = [
    ...takeOvers.map(({ gid, ...rest }) => ({ ...rest, what: `${gid} was continued` })),
    ...ended.map((one) => ({ ...one, what: 'its session was ended' })),
  ];
  return noticed
    .filter(({ tookMs }) => tookMs >= limitMs)
    .map(({ node, what, tookMs }) => ({
      kind: 'slow-take-over',
      node,
      detail: `${what} after ${tookMs} ms; the limit is ${limitMs} ms`,
    }));
}
