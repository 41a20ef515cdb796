export * from './system-clock.ts';
export { type Turns, turns } from './shared-turns.ts';
