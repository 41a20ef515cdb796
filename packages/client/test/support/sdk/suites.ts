import type { SdkHarness } from './harness.ts';
import { holdfastSuite } from './holdfast-suite.ts';
import { messageSuite } from './message-suite.ts';
import { sagaSuite } from './saga-suite.ts';
import { tccSuite } from './tcc-suite.ts';
import { workflowSuite } from './workflow-suite.ts';
import { xaSuite } from './xa-suite.ts';

/** Everything the SDK promises whatever is behind it; run against `connect()` and against `embed()`. */
export const SDK_SUITES: readonly ((harness: SdkHarness) => void)[] = [
  holdfastSuite,
  sagaSuite,
  tccSuite,
  xaSuite,
  workflowSuite,
  messageSuite,
];
