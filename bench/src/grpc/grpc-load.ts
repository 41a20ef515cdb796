import type { LoadGenerator, LoadResult } from '../load/load.ts';
import { RESPONSE_TIMEOUT_SECONDS } from '../load/load.ts';
import type { Cleanup } from '../processes/cleanup.ts';
import { Helper } from '../processes/helper.ts';

const PATIENCE_SECONDS = 20;

/** Starts the process that submits sagas over gRPC. */
export function startGrpcLoad(cleanup: Cleanup): LoadGenerator {
  const helper = new Helper(new URL('./grpc-load-main.js', import.meta.url));
  cleanup.add(() => helper.stop());
  return {
    name: 'our own (@holdfast/http2)',
    pid: helper.pid,
    run: async (request) =>
      (await helper.request(
        request,
        (request.seconds + RESPONSE_TIMEOUT_SECONDS + PATIENCE_SECONDS) * 1000,
      )) as LoadResult,
  };
}
