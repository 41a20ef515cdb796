import { describe } from 'vitest';
import { connectGrpcHarness } from '@holdfast/testing/connect-harness';
import { SDK_SUITES } from '@holdfast/testing/sdk-suites';

describe('over gRPC', () => {
  for (const suite of SDK_SUITES) suite(connectGrpcHarness);
});
