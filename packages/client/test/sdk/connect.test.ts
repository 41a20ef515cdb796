import { describe } from 'vitest';
import { connectHarness } from '@holdfast/testing/connect-harness';
import { SDK_SUITES } from '@holdfast/testing/sdk-suites';

describe('over HTTP', () => {
  for (const suite of SDK_SUITES) suite(connectHarness);
});
