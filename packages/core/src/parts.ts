/**
 * The engine's parts, for the model checker, which drives each of them separately. Not for
 * applications: these exports change with any release.
 */
export { encodeRegistration } from './codec/entry-codec.ts';
export { acceptDefinition } from './engine/accept.ts';
export { Calls } from './engine/calls.ts';
export { Claimer } from './engine/claimer.ts';
export { Committer, type WriteResult } from './engine/committer.ts';
export type { Reply } from './engine/delivery.ts';
export { Destinations } from './engine/destinations.ts';
export { Janitor } from './engine/janitor.ts';
export { idOf, type Run } from './engine/run.ts';
export { Session } from './engine/session.ts';
export { Watcher } from './engine/watcher.ts';
export { type Runs, wireRuns } from './engine/wiring.ts';
export { WritePath } from './engine/write-path.ts';
