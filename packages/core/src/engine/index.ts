/** The engine, and the records that it writes. */
export * from './engine.ts';
export type { EngineDependencies } from './wiring.ts';
export * from './engine-options.ts';
export { containedLogger } from './contain.ts';
export { acceptKnownGid, payloadFieldOf, urlFieldOf } from './accept.ts';
export { acceptTopic, TOPICS } from './topics.ts';
export { fromStore } from './from-store.ts';
export * from './imported-record.ts';
export { transactionOf, viewOf } from './records.ts';
export { NO_OPTIONS } from '../codec/definition-codec.ts';
export { UnreadableRecord } from '../codec/frame.ts';
export { idOf } from './run.ts';
