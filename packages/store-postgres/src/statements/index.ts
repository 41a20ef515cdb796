export { COUNT, COUNT_ALL } from './counters.ts';
export * from './due.ts';
export * from './key-values.ts';
export * from './read.ts';
export * from './sessions.ts';
export * from './write.ts';
export * from './write-parameters.ts';
