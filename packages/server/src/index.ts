export { renderTimeline, type TimelineOptions } from './cli/timeline.ts';
