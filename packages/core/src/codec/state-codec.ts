import {
  BRANCH_STATUSES,
  type BranchStatus,
  type ResultKind,
  RESULTS,
  type Status,
  STATUSES,
} from '@holdfast/protocol';
import type { BranchState, State, TimelineEntry } from '../patterns/model.ts';
import { NOT_STARTED } from '../patterns/state.ts';
import { decodeFrame, flagOf, type Frame, listOf, numberOf, oneOf, textOf } from './frame.ts';
import { FrameWriter, piece, quotedPieces } from './frame-writer.ts';

const FORMAT = 1;
const WHAT = 'state';

/**
 * Times are stored relative to the state's `base`: shorter, and several times faster to print than
 * ms since the epoch. 0 means never.
 */
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
  /** Left out for a line about a single call. Earlier versions ignore them. */
  count?: number,
  firstAt?: Relative,
];
type LineTuple =
  | CallTuple
  /** `by` is left out for a line without one. Earlier versions ignore it. */
  | readonly [kind: 's', at: Relative, status: Status, reason: string, by?: string]
  | readonly [kind: 'resumed' | 'order' | 'parked' | 'alert', at: Relative, detail: string, by?: string];

/** Numbers, texts and flags at their usual value are left out; so are times that are not set. */
type Usual = Omit<State, 'status' | 'branches' | 'timeline'>;

interface Head extends Partial<Usual> {
  readonly status: Status;
  readonly base: number;
  /** 0: never started. */
  readonly branches: readonly (BranchTuple | 0)[];
  readonly timeline: readonly LineTuple[];
}

const NO_STEPS: readonly number[] = [];

const SUSPICION = ',"suspicion":';

/**
 * False: the suspicion of the encoded state is 0. Much faster than decoding a state without
 * suspicion.
 */
export const maySuspect = (state: Uint8Array): boolean => viewOf(state).includes(SUSPICION);

const viewOf = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/**
 * Encodes a state for storage. The JSON is written by hand: this runs for each write.
 * @param kept bytes of a damaged state that this one replaces, kept for inspection; readers skip
 * them
 */
export function encodeState(state: State, kept?: Uint8Array): Uint8Array {
  const base = state.timeline[0]?.atMs ?? 0;
  const head = frames.begin(FORMAT).json(STATUS_KEY).json(STATUS_PIECES[state.status]).json(BASE_KEY).number(base);
  if (state.rollbackReason !== '') head.rare(',"rollbackReason":').quoted(state.rollbackReason);
  if (state.result !== '') head.rare(',"result":').quoted(state.result);
  if (!state.unbroken) head.rare(',"unbroken":false');
  if (state.suspicion !== 0) head.rare(SUSPICION).number(state.suspicion);
  if (state.compensate.length > 0) head.rare(`,"compensate":[${state.compensate.join()}]`);
  if (state.retries !== 0) head.rare(',"retries":').number(state.retries);
  if (state.limitedRetries !== 0) head.rare(',"limitedRetries":').number(state.limitedRetries);
  if (state.checkFailures !== 0) head.rare(',"checkFailures":').number(state.checkFailures);
  if (state.attention) head.rare(',"attention":true');
  if (state.alertDue) head.rare(',"alertDue":true');
  if (state.parked !== '') head.rare(',"parked":').quoted(state.parked);
  if (state.stopped !== '') head.rare(',"stopped":').quoted(state.stopped);
  if (state.damaged !== '') head.rare(',"damaged":').quoted(state.damaged);
  if (state.timelineOmitted !== 0) head.rare(',"timelineOmitted":').number(state.timelineOmitted);
  if (state.notBeforeMs !== 0) head.rare(',"notBeforeMs":').number(relative(state.notBeforeMs, base));
  if (state.nextCheckAtMs !== 0) head.rare(',"nextCheckAtMs":').number(relative(state.nextCheckAtMs, base));
  if (state.heartbeatAtMs !== 0) head.rare(',"heartbeatAtMs":').number(relative(state.heartbeatAtMs, base));
  if (state.submittedAtMs !== 0) head.json(SUBMITTED_KEY).number(relative(state.submittedAtMs, base));
  if (state.rollbackAtMs !== 0) head.rare(',"rollbackAtMs":').number(relative(state.rollbackAtMs, base));
  if (state.finishedAtMs !== 0) head.json(FINISHED_KEY).number(relative(state.finishedAtMs, base));
  head.json(BRANCHES_KEY);
  state.branches.forEach((branch, i) => writeBranch(i === 0 ? head : head.json(COMMA), branch, base));
  head.json(TIMELINE_KEY);
  state.timeline.forEach((line, i) => writeLine(i === 0 ? head : head.json(COMMA), line, base));
  return head.json(END).end(kept === undefined ? NO_BODIES : [kept]);
}

const frames = new FrameWriter();
const STATUS_KEY = piece('{"status":');
const BASE_KEY = piece(',"base":');
const SUBMITTED_KEY = piece(',"submittedAtMs":');
const FINISHED_KEY = piece(',"finishedAtMs":');
const BRANCHES_KEY = piece(',"branches":[');
const TIMELINE_KEY = piece('],"timeline":[');
const END = piece(']}');
const COMMA = piece(',');
const LIST_END = piece(']');
const STATUS_PIECES = quotedPieces(STATUSES);
const BRANCH_STATUS_PIECES = quotedPieces(BRANCH_STATUSES);
const RESULT_PIECES = quotedPieces(RESULTS);
const NOT_STARTED_BRANCH = piece('0');
const LIST = piece('[');
const STARTED = piece(',1,');
const UNSTARTED = piece(',0,');
const STATUS_LINE = piece('["s",');
const CALL_LINE = piece('["c",');

const NO_BODIES: readonly Uint8Array[] = [];

/** Decodes the output of `encodeState`. Throws `UnreadableRecord`. */
export const decodeState = (bytes: Uint8Array): State => decodeFrame(bytes, FORMAT, WHAT, read);

/** Explicit fields rather than a spread: this runs for each read of a transaction. */
function read(frame: Frame): State {
  const head = frame.head as Head;
  const base = required(head.base);
  const time = (at: Relative | undefined): number => absolute(numberOf(at, 0, WHAT), base);
  return {
    status: oneOf(STATUSES, head.status, WHAT),
    rollbackReason: textOf(head.rollbackReason, '', WHAT),
    result: textOf(head.result, '', WHAT),
    branches: listOf(head.branches, WHAT).map((tuple) => decodeBranch(tuple, base)),
    unbroken: flagOf(head.unbroken, true, WHAT),
    suspicion: numberOf(head.suspicion, 0, WHAT),
    compensate: head.compensate === undefined ? NO_STEPS : listOf(head.compensate, WHAT).map(required),
    retries: numberOf(head.retries, 0, WHAT),
    limitedRetries: numberOf(head.limitedRetries, 0, WHAT),
    notBeforeMs: time(head.notBeforeMs),
    nextCheckAtMs: time(head.nextCheckAtMs),
    checkFailures: numberOf(head.checkFailures, 0, WHAT),
    heartbeatAtMs: time(head.heartbeatAtMs),
    attention: flagOf(head.attention, false, WHAT),
    alertDue: flagOf(head.alertDue, false, WHAT),
    parked: textOf(head.parked, '', WHAT),
    stopped: textOf(head.stopped, '', WHAT),
    damaged: textOf(head.damaged, '', WHAT),
    submittedAtMs: time(head.submittedAtMs),
    rollbackAtMs: time(head.rollbackAtMs),
    finishedAtMs: time(head.finishedAtMs),
    timeline: listOf(head.timeline, WHAT).map((tuple) => decodeLine(tuple, base)),
    timelineOmitted: numberOf(head.timelineOmitted, 0, WHAT),
  };
}

/** Never 0 for an actual time: times up to the base are one less than their distance. */
function relative(atMs: number, base: number): Relative {
  if (atMs === 0) return 0;
  return atMs > base ? atMs - base : atMs - base - 1;
}

function absolute(at: Relative, base: number): number {
  if (at === 0) return 0;
  return at > 0 ? at + base : at + base + 1;
}

function writeBranch(to: FrameWriter, branch: BranchState, base: number): void {
  const { status, started, attempts, failures, nextAttemptAtMs, finishedAtMs } = branch;
  if (!started && status === 'prepared' && nextAttemptAtMs === 0) return void to.json(NOT_STARTED_BRANCH);
  to.json(LIST)
    .json(BRANCH_STATUS_PIECES[status])
    .json(started ? STARTED : UNSTARTED);
  to.number(attempts).json(COMMA).number(failures).json(COMMA);
  to.number(relative(nextAttemptAtMs, base)).json(COMMA).number(relative(finishedAtMs, base)).json(LIST_END);
}

function decodeBranch(tuple: BranchTuple | 0, base: number): BranchState {
  if (tuple === 0) return NOT_STARTED;
  const [status, started, attempts, failures, nextAttempt, finished] = tuple;
  return {
    status: oneOf(BRANCH_STATUSES, status, WHAT),
    started: started === 1,
    attempts: required(attempts),
    failures: required(failures),
    nextAttemptAtMs: absolute(required(nextAttempt), base),
    finishedAtMs: absolute(required(finished), base),
  };
}

function writeLine(to: FrameWriter, line: TimelineEntry, base: number): void {
  const at = line.atMs - base;
  switch (line.kind) {
    case 'status':
      to.json(STATUS_LINE).number(at).json(COMMA).json(STATUS_PIECES[line.status]).json(COMMA).quoted(line.reason);
      return writeBy(to, line.by);
    case 'call': {
      const { durationMs, branchId, op, result, reason, attempt, retryAtMs, count, firstAtMs } = line;
      to.json(CALL_LINE).number(at).json(COMMA).number(durationMs).json(COMMA).quoted(branchId).json(COMMA);
      to.quoted(op).json(COMMA).json(RESULT_PIECES[result]).json(COMMA).quoted(reason).json(COMMA).number(attempt);
      to.json(COMMA).number(relative(retryAtMs, base));
      if (count !== undefined && firstAtMs !== undefined) to.rare(`,${count},${firstAtMs - base}`);
      return void to.json(LIST_END);
    }
    default:
      to.rare(`["${line.kind}",`).number(at).json(COMMA).quoted(line.detail);
      return writeBy(to, line.by);
  }
}

function writeBy(to: FrameWriter, by: string | undefined): void {
  if (by !== undefined) to.json(COMMA).quoted(by);
  to.json(LIST_END);
}

/** Without a spread for the usual line, which has no principal. */
function withBy<Line extends TimelineEntry>(line: Line, by: string | undefined): Line {
  return by === undefined ? line : { ...line, by: textOf(by, undefined, WHAT) };
}

function decodeLine(tuple: LineTuple, base: number): TimelineEntry {
  const atMs = required(tuple[1]) + base;
  switch (tuple[0]) {
    case 's':
      return withBy(
        { kind: 'status', atMs, status: oneOf(STATUSES, tuple[2], WHAT), reason: textOf(tuple[3], '', WHAT) },
        tuple[4],
      );
    case 'c': {
      const [, , durationMs, branchId, op, result, reason, attempt, retryAt, count, firstAt] = tuple;
      return {
        kind: 'call',
        atMs,
        durationMs: required(durationMs),
        branchId: textOf(branchId, '', WHAT),
        op: textOf(op, '', WHAT),
        result: oneOf(RESULTS, result, WHAT),
        reason: textOf(reason, '', WHAT),
        attempt: required(attempt),
        retryAtMs: absolute(required(retryAt), base),
        ...(count !== undefined && { count: required(count), firstAtMs: required(firstAt) + base }),
      };
    }
    default:
      return withBy({ kind: oneOf(LINE_KINDS, tuple[0], WHAT), atMs, detail: textOf(tuple[2], '', WHAT) }, tuple[3]);
  }
}

const LINE_KINDS = ['resumed', 'order', 'parked', 'alert'] as const;

const required = (number: number | undefined): number => numberOf(number, Number.NaN, WHAT);
