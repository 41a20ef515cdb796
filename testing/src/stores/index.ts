export { garbledServerCases } from './garbled-server.ts';
export { type GoldenRecord, unhex, thaw } from './golden.ts';
export { insertOf, updateOf, appendOf } from './items.ts';
export { kindsOf, mixedBatchCases } from './mixed-batch-cases.ts';
export { useFakeClock, movedClockCases } from './moved-clock.ts';
export { type WithStore, withStoreAt, expectToOpenAtOnce } from './open-stores.ts';
export { refusalOf, expectUnreachable } from './refusals.ts';
export { restoredServerCases } from './restored-server.ts';
export {
  WAIT,
  untilResponse,
  expectDoubtThatResolves,
  expectNewConnection,
  expectToOutliveItsServer,
} from './server-failures.ts';
export { STATEMENT_TIMEOUT_MS, stalledServerCases } from './stalled-server.ts';
