/** What the store drivers share; not for applications. */
export * from '../store/cursor.ts';
export * from './counts.ts';
export * from './lane.ts';
export * from './list-filter.ts';
export * from './locked-ids.ts';
export * from './pages.ts';
export * from './rejected-records.ts';
export * from './room.ts';
export * from './within.ts';
export * from './words.ts';
export * as transitions from './transitions.ts';
export type { RecordHead } from './transitions.ts';
export { SessionTable } from './session-table.ts';
export { NodeClock } from './node-clock.ts';
export { checkedTimeout, SESSION_TIMEOUT_MS } from './timeouts.ts';
export { identityCheck, type StoreTls, type TlsContents, TlsFiles } from './tls-files.ts';
export { decodeUrlPart, readStoreUrl } from './store-url.ts';
export { SlotMap } from '../slot-map.ts';
