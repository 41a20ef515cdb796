import { LIMITS, type Status } from '@holdfast/protocol';
import type { State, TimelineEntry } from '../model.ts';

const KEEP_FIRST = LIMITS.timelineEntries / 2;

/** Adds a line; when the bound is reached the oldest line behind the first half is left out and counted. */
export function withLine(state: State, line: TimelineEntry): State {
  if (state.timeline.length < LIMITS.timelineEntries) return { ...state, timeline: [...state.timeline, line] };
  const timeline = [...state.timeline.slice(0, KEEP_FIRST), ...state.timeline.slice(KEEP_FIRST + 1), line];
  return { ...state, timeline, timelineOmitted: state.timelineOmitted + 1 };
}

/** The state with another status, told in the timeline. */
export function withStatus(state: State, status: Status, atMs: number, reason = ''): State {
  return withLine({ ...state, status }, { kind: 'status', atMs, status, reason });
}
