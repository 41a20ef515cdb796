import { describe } from 'vitest';
import { grpcParticipantsHarness } from '@holdfast/testing/grpc-participants';
import { SDK_SUITES } from '@holdfast/testing/sdk-suites';

describe('with participants over gRPC', () => {
  for (const suite of SDK_SUITES) suite(grpcParticipantsHarness);
});
