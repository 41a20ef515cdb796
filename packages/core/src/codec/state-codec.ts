import { type BranchStatus, type ResultKind, type Status, STATUSES } from '@holdfast/protocol';
import type { BranchState, State, TimelineEntry } from '../model.ts';
import { NOT_STARTED } from '../patterns/state.ts';
import { decodeFrame, encodeFrame, type Frame, listOf, oneOf } from './frame.ts';

const FORMAT = 1;
const WHAT = 'state';

/** Times are written relative to the state's `base`: shorter, and several times quicker to print than ms since the epoch. 0 stays 0 (never). */
type Relative = number;

type BranchTuple = readonly [
  status: BranchStatus,
  started: 0 | 1,
  attempts: number,
  failures: number,
  nextAttempt: Relative,
  finished: Relative,
];
type CallTuple = readonly [
  kind: 'c',
  at: Relative,
  durationMs: number,
  branchId: string,
  op: string,
  result: ResultKind,
  reason: string,
  attempt: number,
  retryAt: Relative,
];
type LineTuple =
  | CallTuple
  | readonly [kind: 's', at: Relative, status: Status, reason: string]
  | readonly [kind: 'resumed' | 'order' | 'parked' | 'alert', at: Relative, detail: string];

/** The parts of a state that are numbers, texts and flags; those at their usual value are left out. */
const USUAL = {
  rollbackReason: '',
  result: '',
  unbroken: true,
  compensate: [] as readonly number[],
  retries: 0,
  limitedRetries: 0,
  checkFailures: 0,
  attention: false,
  parked: '',
  timelineOmitted: 0,
};
const USUAL_TIMES = { notBeforeMs: 0, nextCheckAtMs: 0, submittedAtMs: 0, rollbackAtMs: 0, finishedAtMs: 0 };

interface Head extends Partial<typeof USUAL>, Partial<typeof USUAL_TIMES> {
  readonly status: Status;
  readonly base: number;
  /** 0: never started. */
  readonly branches: readonly (BranchTuple | 0)[];
  readonly timeline: readonly LineTuple[];
}

/** A state as stored. */
export function encodeState(state: State): Uint8Array {
  // One less than the earliest time, so that no time of the state is written as 0.
  const base = Math.max(0, (state.timeline[0]?.atMs ?? 0) - 1);
  // Spelled out, not looped over: this runs for each write. JSON leaves out what is undefined.
  const head = {
    status: state.status,
    base,
    rollbackReason: state.rollbackReason || undefined,
    result: state.result || undefined,
    unbroken: state.unbroken ? undefined : false,
    compensate: state.compensate.length > 0 ? state.compensate : undefined,
    retries: state.retries || undefined,
    limitedRetries: state.limitedRetries || undefined,
    checkFailures: state.checkFailures || undefined,
    attention: state.attention || undefined,
    parked: state.parked || undefined,
    timelineOmitted: state.timelineOmitted || undefined,
    notBeforeMs: said(state.notBeforeMs, base),
    nextCheckAtMs: said(state.nextCheckAtMs, base),
    submittedAtMs: said(state.submittedAtMs, base),
    rollbackAtMs: said(state.rollbackAtMs, base),
    finishedAtMs: said(state.finishedAtMs, base),
    branches: state.branches.map((branch) => encodeBranch(branch, base)),
    timeline: state.timeline.map((line) => encodeLine(line, base)),
  } satisfies Record<keyof Head, unknown>;
  return encodeFrame(FORMAT, head, []);
}

/** Reads what `encodeState` wrote. Throws `UnreadableRecord`. */
export const decodeState = (bytes: Uint8Array): State => decodeFrame(bytes, FORMAT, WHAT, read);

function read(frame: Frame): State {
  const { branches, timeline, status, base, ...rest } = frame.head as Head;
  const times = { ...USUAL_TIMES };
  for (const name in USUAL_TIMES)
    times[name as keyof typeof times] = absolute(rest[name as keyof typeof times] ?? 0, base);
  return {
    ...USUAL,
    ...rest,
    ...times,
    compensate: listOf(rest.compensate ?? USUAL.compensate, WHAT),
    status: oneOf(STATUSES, status, WHAT),
    branches: branches.map((tuple) => decodeBranch(tuple, base)),
    timeline: timeline.map((tuple) => decodeLine(tuple, base)),
  };
}

const said = (atMs: number, base: number): Relative | undefined => (atMs === 0 ? undefined : atMs - base);
const relative = (atMs: number, base: number): Relative => (atMs === 0 ? 0 : atMs - base);
const absolute = (at: Relative, base: number): number => (at === 0 ? 0 : at + base);

function encodeBranch(branch: BranchState, base: number): BranchTuple | 0 {
  const { status, started, attempts, failures, nextAttemptAtMs, finishedAtMs } = branch;
  if (!started && status === 'prepared' && nextAttemptAtMs === 0) return 0;
  return [status, started ? 1 : 0, attempts, failures, relative(nextAttemptAtMs, base), relative(finishedAtMs, base)];
}

function decodeBranch(tuple: BranchTuple | 0, base: number): BranchState {
  if (tuple === 0) return NOT_STARTED;
  const [status, started, attempts, failures, nextAttempt, finished] = tuple;
  return {
    status,
    started: started === 1,
    attempts,
    failures,
    nextAttemptAtMs: absolute(nextAttempt, base),
    finishedAtMs: absolute(finished, base),
  };
}

function encodeLine(line: TimelineEntry, base: number): LineTuple {
  switch (line.kind) {
    case 'status':
      return ['s', line.atMs - base, line.status, line.reason];
    case 'call': {
      const { atMs, durationMs, branchId, op, result, reason, attempt, retryAtMs } = line;
      return ['c', atMs - base, durationMs, branchId, op, result, reason, attempt, relative(retryAtMs, base)];
    }
    default:
      return [line.kind, line.atMs - base, line.detail];
  }
}

function decodeLine(tuple: LineTuple, base: number): TimelineEntry {
  switch (tuple[0]) {
    case 's':
      return { kind: 'status', atMs: tuple[1] + base, status: tuple[2], reason: tuple[3] };
    case 'c': {
      const [, at, durationMs, branchId, op, result, reason, attempt, retryAt] = tuple;
      return {
        kind: 'call',
        atMs: at + base,
        durationMs,
        branchId,
        op,
        result,
        reason,
        attempt,
        retryAtMs: absolute(retryAt, base),
      };
    }
    default:
      return { kind: tuple[0], atMs: tuple[1] + base, detail: tuple[2] };
  }
}
