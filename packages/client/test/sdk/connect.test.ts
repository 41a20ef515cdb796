import { describe } from 'vitest';
import { connectHarness } from '../support/sdk/connect-harness.ts';
import { SDK_SUITES } from '../support/sdk/suites.ts';

describe('over HTTP', () => {
  for (const suite of SDK_SUITES) suite(connectHarness);
});
