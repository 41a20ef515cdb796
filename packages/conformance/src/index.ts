export type { Damage, DamagedPart } from './store/damage.ts';
export { storeSuite } from './store/suite.ts';
export { crashWriter } from './store/crash-writer.ts';
export type { StoredFormat, StoreManifest, StorePlace, StoreSuiteOptions, TestApi } from './store/harness.ts';
export { barrierSuite } from './barrier/suite.ts';
export type {
  BarrierResult,
  BarrierCall,
  BarrierPlace,
  BarrierSuiteOptions,
  BarrierUnderTest,
} from './barrier/harness.ts';
