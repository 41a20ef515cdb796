/** All scripts. */
export * from './due.ts';
export * from './key-values.ts';
export * from './open.ts';
export * from './purge.ts';
export * from './read.ts';
export * from './sessions.ts';
export * from './write.ts';
