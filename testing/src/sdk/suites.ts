import { deadlineSuite } from './deadline-suite.ts';
import { fieldNamesSuite } from './field-names-suite.ts';
import type { SdkHarness } from './harness.ts';
import { holdfastSuite } from './holdfast-suite.ts';
import { messageSuite } from './message-suite.ts';
import { nestedTccSuite } from './nested-tcc-suite.ts';
import { sagaSuite } from './saga-suite.ts';
import { secondRunSuite } from './second-run-suite.ts';
import { strangeThrowSuite } from './strange-throw-suite.ts';
import { tccDecisionSuite } from './tcc-decision-suite.ts';
import { tccSuite } from './tcc-suite.ts';
import { unawaitedSuite } from './unawaited-suite.ts';
import { waitOptionsSuite } from './wait-options-suite.ts';
import { watchSuite } from './watch-suite.ts';
import { workflowConcurrencySuite } from './workflow-concurrency-suite.ts';
import { workflowDoubtSuite } from './workflow-doubt-suite.ts';
import { workflowIdentitySuite } from './workflow-identity-suite.ts';
import { workflowOutcomeSuite } from './workflow-outcome-suite.ts';
import { xaSuite } from './xa-suite.ts';

/**
 * Everything the SDK promises whatever is behind it; run against `connect()` and against `embed()`.
 */
export const SDK_SUITES: readonly ((harness: SdkHarness) => void)[] = [
  holdfastSuite,
  fieldNamesSuite,
  waitOptionsSuite,
  watchSuite,
  sagaSuite,
  tccSuite,
  tccDecisionSuite,
  secondRunSuite,
  nestedTccSuite,
  xaSuite,
  unawaitedSuite,
  strangeThrowSuite,
  workflowOutcomeSuite,
  workflowDoubtSuite,
  workflowConcurrencySuite,
  workflowIdentitySuite,
  messageSuite,
  deadlineSuite,
];
