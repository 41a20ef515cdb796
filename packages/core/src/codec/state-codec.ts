import type { BranchStatus, ResultKind, Status } from '@holdfast/protocol';
import type { BranchState, State, TimelineEntry } from '../model.ts';
import { decodeFrame, encodeFrame } from './frame.ts';

const FORMAT = 1;

type BranchTuple = readonly [
  BranchStatus,
  started: 0 | 1,
  attempts: number,
  failures: number,
  nextAttemptAtMs: number,
  finishedAtMs: number,
];
type CallTuple = readonly [
  'c',
  atMs: number,
  durationMs: number,
  branchId: string,
  op: string,
  ResultKind,
  reason: string,
  attempt: number,
  retryAtMs: number,
];
type LineTuple =
  | CallTuple
  | readonly ['s', atMs: number, Status, reason: string]
  | readonly ['resumed' | 'order' | 'parked' | 'alert', atMs: number, detail: string];

/** The parts of a state that are numbers, texts and flags; those at their usual value are left out. */
const USUAL = {
  rollbackReason: '',
  result: '',
  unbroken: true,
  compensate: [] as readonly number[],
  retries: 0,
  limitedRetries: 0,
  notBeforeMs: 0,
  nextCheckAtMs: 0,
  checkFailures: 0,
  attention: false,
  parked: '',
  submittedAtMs: 0,
  rollbackAtMs: 0,
  finishedAtMs: 0,
  timelineOmitted: 0,
};

interface Head extends Partial<typeof USUAL> {
  readonly status: Status;
  /** 0: never started. */
  readonly branches: readonly (BranchTuple | 0)[];
  readonly timeline: readonly LineTuple[];
}

/** A state as stored. */
export function encodeState(state: State): Uint8Array {
  const head: Record<string, unknown> = { status: state.status };
  for (const name in USUAL) {
    const value = state[name as keyof typeof USUAL];
    if (Array.isArray(value) ? value.length > 0 : value !== USUAL[name as keyof typeof USUAL]) head[name] = value;
  }
  head['branches'] = state.branches.map(encodeBranch);
  head['timeline'] = state.timeline.map(encodeLine);
  return encodeFrame(FORMAT, head, []);
}

/** Reads what `encodeState` wrote. Throws `UnreadableRecord`. */
export function decodeState(bytes: Uint8Array): State {
  const { branches, timeline, status, ...rest } = decodeFrame(bytes, FORMAT, 'state').head as Head;
  return { ...USUAL, ...rest, status, branches: branches.map(decodeBranch), timeline: timeline.map(decodeLine) };
}

function encodeBranch(branch: BranchState): BranchTuple | 0 {
  const { status, started, attempts, failures, nextAttemptAtMs, finishedAtMs } = branch;
  if (!started && status === 'prepared' && nextAttemptAtMs === 0) return 0;
  return [status, started ? 1 : 0, attempts, failures, nextAttemptAtMs, finishedAtMs];
}

function decodeBranch(tuple: BranchTuple | 0): BranchState {
  const [status, started, attempts, failures, nextAttemptAtMs, finishedAtMs] =
    tuple === 0 ? (['prepared', 0, 0, 0, 0, 0] as const) : tuple;
  return { status, started: started === 1, attempts, failures, nextAttemptAtMs, finishedAtMs };
}

function encodeLine(line: TimelineEntry): LineTuple {
  switch (line.kind) {
    case 'status':
      return ['s', line.atMs, line.status, line.reason];
    case 'call':
      return [
        'c',
        line.atMs,
        line.durationMs,
        line.branchId,
        line.op,
        line.result,
        line.reason,
        line.attempt,
        line.retryAtMs,
      ];
    default:
      return [line.kind, line.atMs, line.detail];
  }
}

function decodeLine(tuple: LineTuple): TimelineEntry {
  switch (tuple[0]) {
    case 's':
      return { kind: 'status', atMs: tuple[1], status: tuple[2], reason: tuple[3] };
    case 'c': {
      const [, atMs, durationMs, branchId, op, result, reason, attempt, retryAtMs] = tuple;
      return { kind: 'call', atMs, durationMs, branchId, op, result, reason, attempt, retryAtMs };
    }
    default:
      return { kind: tuple[0], atMs: tuple[1], detail: tuple[2] };
  }
}
