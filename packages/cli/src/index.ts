export { renderTimeline, type TimelineOptions } from './output/timeline.ts';
