import { type CallHistory, isSequential } from './call-history.ts';
import type { NodeViolation } from './cluster-judge.ts';
import type { CallLine } from './journal.ts';
import type { Outage } from './outages.ts';
import { REQUEST_TIMEOUT_S } from './plan.ts';
import type { Disturbed } from './subject.ts';

/** After this share of the silence limit without a heartbeat a coordinator makes no call. */
const LEASE_SHARE = 2 / 3;
/** A call that was permitted has reached its participant within this time. */
const ON_ITS_WAY_MS = 500;
/**
 * A coordinator abandons a call at its timeout; a call of at most this age is certainly still
 * awaited.
 */
const CERTAINLY_WAITS_MS = REQUEST_TIMEOUT_S * 1000 - 100;

/** What coordinators did that were, or had to take themselves for, fenced. */
export function fencingViolations(
  calls: readonly CallHistory[],
  disturbed: Disturbed,
  silenceMs: number,
): readonly NodeViolation[] {
  return disturbed.outages.flatMap((outage) => {
    switch (outage.kind) {
      case 'kill':
      case 'fault':
        return [];
      case 'pause':
        return [
          ...callsWhileFenced(calls, outage, disturbed, silenceMs),
          ...neverReopened(outage, disturbed, silenceMs),
        ];
      case 'database':
        return callsWithoutLease(calls, outage, disturbed, silenceMs);
    }
  });
}

/**
 * A coordinator that resumes after a pause must not call a participant until it has a new session.
 * A call that was decided before the pause is in flight and cannot be stopped (the participants'
 * barrier makes it harmless). A call therefore counts only if its cause, which is its transaction
 * or the response that it follows, certainly arose after the start of the pause.
 */
function callsWhileFenced(
  calls: readonly CallHistory[],
  pause: Outage,
  { outages, sessions }: Disturbed,
  silenceMs: number,
): readonly NodeViolation[] {
  const { node, fromMs, untilMs } = pause;
  if (node === undefined) return [];
  const nextSessionMs = sessions
    // One that was seen after the pause, with a doubtful beginning, may be the next one.
    .filter((session) => session.node === node.name && session.seenAtMs > untilMs)
    .map(({ startedAtMs }) => startedAtMs);
  const nextKillMs = outages
    .filter((one) => one.kind === 'kill' && one.node === node && one.fromMs > untilMs)
    .map((one) => one.fromMs);
  const endMs = Math.min(untilMs + silenceMs, ...nextSessionMs, ...nextKillMs);
  return callsIn(calls, [node.address], untilMs, endMs).flatMap(({ history, call, index }) => {
    const cause = causeAfter(history, index, fromMs, node.address);
    if (cause === undefined) return [];
    const when = `${call.atMs - untilMs} ms after a pause of ${untilMs - fromMs} ms`;
    return [
      { kind: 'called-while-fenced', node: node.name, detail: `${nameOf(call)}, ${when}, though ${cause}` } as const,
    ];
  });
}

function causeAfter(history: CallHistory, index: number, ms: number, address: string): string | undefined {
  if (history.plannedAtMs > ms) return 'its client began during the pause';
  if (!isSequential(history.plan)) return undefined;
  const before = history.lines.slice(0, index).filter(({ from }) => from === address);
  const response = before.findLast(({ kind }) => kind === 'response');
  if (response === undefined || response.atMs <= ms) return undefined;
  const requested = before.findLast(
    (line) => line.kind === 'call' && line.branchId === response.branchId && line.op === response.op,
  );
  // The call may have been abandoned before the pause and followed by another at once; in that case
  // its response was not awaited.
  if (requested === undefined || response.atMs - requested.atMs > CERTAINLY_WAITS_MS) return undefined;
  return 'the response to the previous call came during the pause';
}

/**
 * A coordinator whose session the others ended must have opened a new one, unless it was disturbed
 * again or the database was unavailable.
 */
function neverReopened(pause: Outage, { outages, sessions }: Disturbed, silenceMs: number): readonly NodeViolation[] {
  const { node, fromMs, untilMs } = pause;
  if (node === undefined) return [];
  const endMs = untilMs + silenceMs;
  const disturbed = outages.some(
    (one) =>
      one !== pause &&
      (one.node === node || one.kind === 'database' || one.kind === 'fault') &&
      one.fromMs < endMs &&
      one.backMs > fromMs,
  );
  if (disturbed) return [];
  const began = sessions.some(
    (session) => session.node === node.name && session.seenAtMs > untilMs && session.startedAtMs < endMs,
  );
  if (began) return [];
  return [
    {
      kind: 'never-let-go',
      node: node.name,
      detail: `no new session within ${silenceMs} ms of a pause of ${untilMs - fromMs} ms`,
    },
  ];
}

/** Without a database no heartbeat is acknowledged, and the lease runs out. */
function callsWithoutLease(
  calls: readonly CallHistory[],
  { fromMs, untilMs }: Outage,
  { nodes }: Disturbed,
  silenceMs: number,
): readonly NodeViolation[] {
  const names = new Map(nodes.map(({ address, name }) => [address, name]));
  const leaseEndMs = fromMs + silenceMs * LEASE_SHARE + ON_ITS_WAY_MS;
  return callsIn(calls, [...names.keys()], leaseEndMs, untilMs).map(({ call }) => ({
    kind: 'called-without-lease',
    node: names.get(call.from) ?? '',
    detail: `${nameOf(call)}, ${call.atMs - fromMs} ms after the database was killed`,
  }));
}

interface FoundCall {
  readonly history: CallHistory;
  readonly call: CallLine;
  /** Of the call in the history. */
  readonly index: number;
}

function callsIn(
  calls: readonly CallHistory[],
  addresses: readonly string[],
  fromMs: number,
  untilMs: number,
): readonly FoundCall[] {
  return calls.flatMap((history) =>
    history.lines.flatMap((call, index) =>
      call.kind === 'call' && addresses.includes(call.from) && call.atMs >= fromMs && call.atMs < untilMs
        ? [{ history, call, index }]
        : [],
    ),
  );
}

const nameOf = ({ gid, branchId, op }: CallLine): string => `${gid} ${branchId} ${op}`;
