import { LIMITS, type Status } from '@holdfast/protocol';
import type { State, TimelineEntry } from './model.ts';
import { copyState, type Draft } from './copies.ts';

const KEEP_FIRST = LIMITS.timelineEntries / 2;

/** Adds a line; at the limit, the oldest line of the second half is dropped and counted. */
export function withLine(state: State, line: TimelineEntry): State {
  return { ...state, timeline: appended(state.timeline, line), timelineOmitted: omitted(state) };
}

/** A timeline line about one call, or several equal ones. */
export type CallLine = Extract<TimelineEntry, { kind: 'call' }>;

/**
 * Adds the line of a call. It replaces the last line if that is about a call of the same op with
 * the same result and reason: a client that is called for days would otherwise fill the timeline
 * with equal lines.
 */
export function withCallLine(state: State, line: CallLine): State {
  const last = state.timeline.at(-1);
  if (last?.kind !== 'call' || !isSameCall(last, line)) return withLine(state, line);
  const repeated = { ...line, count: (last.count ?? 1) + 1, firstAtMs: last.firstAtMs ?? last.atMs };
  return { ...state, timeline: [...state.timeline.slice(0, -1), repeated] };
}

const isSameCall = (a: CallLine, b: CallLine): boolean =>
  a.branchId === b.branchId && a.op === b.op && a.result === b.result && a.reason === b.reason;

/** The state with another status, recorded in the timeline. */
export const withStatus = (state: State, status: Status, atMs: number, reason = ''): State =>
  entered(copyState(state), status, atMs, reason);

/** The state after a client's submission. */
export function withSubmission(state: State, atMs: number): State {
  const next = copyState(state);
  next.submittedAtMs = atMs;
  return entered(next, 'submitted', atMs, '');
}

/** The state with its final status. */
export function withEnd(state: State, status: 'succeed' | 'failed', atMs: number, reason = ''): State {
  const next = copyState(state);
  next.finishedAtMs = atMs;
  return entered(next, status, atMs, reason);
}

/** Gives a copy its next status. */
function entered(next: Draft<State>, status: Status, atMs: number, reason: string): State {
  next.timelineOmitted = omitted(next);
  next.timeline = appended(next.timeline, { kind: 'status', atMs, status, reason });
  next.status = status;
  return next;
}

/** The timeline with one more line, within its limit. */
export function appended(timeline: readonly TimelineEntry[], line: TimelineEntry): readonly TimelineEntry[] {
  if (timeline.length < LIMITS.timelineEntries) return [...timeline, line];
  return [...timeline.slice(0, KEEP_FIRST), ...timeline.slice(KEEP_FIRST + 1), line];
}

/** Number of dropped lines after one more is appended. */
export const omitted = ({ timeline, timelineOmitted }: State): number =>
  timeline.length < LIMITS.timelineEntries ? timelineOmitted : timelineOmitted + 1;

/**
 * The state with a principal's ID in the lines that its command has added to the timeline `before`.
 * A line about a call or a takeover is not the effect of a command.
 */
export function signed(state: State, before: readonly TimelineEntry[], by: string): State {
  if (state.timeline === before) return state;
  const known = new Set(before);
  const isByCommand = (line: TimelineEntry): boolean =>
    !known.has(line) && line.kind !== 'call' && line.kind !== 'resumed';
  return { ...state, timeline: state.timeline.map((line) => (isByCommand(line) ? { ...line, by } : line)) };
}
