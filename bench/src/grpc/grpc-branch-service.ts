import type { BranchService } from '../branch/branch-service.ts';
import type { Cleanup } from '../processes/cleanup.ts';
import { Helper, portOf } from '../processes/helper.ts';

/**
 * Starts the gRPC branch service. nginx can respond to gRPC calls from a file, but writes the
 * headers, the message and the trailers of each response separately, which costs three times the
 * CPU of this program.
 */
export async function startGrpcBranches(cleanup: Cleanup): Promise<BranchService> {
  const helper = new Helper(new URL('./grpc-branch-main.js', import.meta.url));
  cleanup.add(() => helper.stop());
  const port = portOf(await helper.reply());
  return { name: 'our own (@holdfast/http2)', origin: `127.0.0.1:${port}/bench.Bank`, pid: helper.pid };
}
