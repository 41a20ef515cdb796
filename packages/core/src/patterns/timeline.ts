import { LIMITS, type Status } from '@holdfast/protocol';
import type { State, TimelineEntry } from '../model.ts';
import { copyState } from './copies.ts';

const KEEP_FIRST = LIMITS.timelineEntries / 2;

/** Adds a line; when the bound is reached the oldest line behind the first half is left out and counted. */
export function withLine(state: State, line: TimelineEntry): State {
  return { ...state, timeline: appended(state.timeline, line), timelineOmitted: omitted(state) };
}

/** The state with another status, told in the timeline. */
export function withStatus(state: State, status: Status, atMs: number, reason = ''): State {
  const next = copyState(state);
  next.status = status;
  next.timeline = appended(state.timeline, { kind: 'status', atMs, status, reason });
  next.timelineOmitted = omitted(state);
  return next;
}

/** The state with the status that a client's submit gives it. */
export function withSubmission(state: State, atMs: number): State {
  const next = copyState(state);
  next.submittedAtMs = atMs;
  return withStatus(next, 'submitted', atMs);
}

/** The state with its final status. */
export function withEnd(state: State, status: 'succeed' | 'failed', atMs: number, reason = ''): State {
  const next = copyState(state);
  next.finishedAtMs = atMs;
  return withStatus(next, status, atMs, reason);
}

/** The timeline with one more line, within its bound. */
export function appended(timeline: readonly TimelineEntry[], line: TimelineEntry): readonly TimelineEntry[] {
  if (timeline.length < LIMITS.timelineEntries) return [...timeline, line];
  return [...timeline.slice(0, KEEP_FIRST), ...timeline.slice(KEEP_FIRST + 1), line];
}

/** How many lines are left out once one more is appended. */
export const omitted = ({ timeline, timelineOmitted }: State): number =>
  timeline.length < LIMITS.timelineEntries ? timelineOmitted : timelineOmitted + 1;
