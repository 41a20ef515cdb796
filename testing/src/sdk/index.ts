export {
  type Declared,
  DEFAULT_SDK_OPTIONS,
  type Handlers,
  type SdkHarness,
  type SdkOptions,
  type SdkWorld,
} from './harness.ts';
export { SDK_SUITES } from './suites.ts';
