/**
 * What a host of the engine and its transports share: the operations of a coordinator, and the
 * environment that the host passes to the engine. The other parts have subpaths: `/engine`,
 * `/patterns`, `/store`, `/store-kit` and `/memory-store`.
 */
export * from './call-context.ts';
export * from './coordinator.ts';
export * from './environment.ts';
export * from './observer.ts';
