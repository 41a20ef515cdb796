import { RESPONSE_TIMEOUT_SECONDS } from '../load/load.ts';
import { connectTo } from './grpc-closed-loop.ts';
import { submitHeaders, submitMessages } from './submit-request.ts';
import { UnaryCall, type UnaryResponse } from './unary-call.ts';

/** Submits one saga over gRPC. Resolves to the end of the call; rejects without a connection. */
export async function submitOnce(target: string, branches: string, gidPrefix: string): Promise<UnaryResponse> {
  const connection = await connectTo(target);
  const timer = setTimeout(() => connection.destroy(), RESPONSE_TIMEOUT_SECONDS * 1000);
  try {
    return await new Promise<UnaryResponse>((resolve) => {
      const call = new UnaryCall(resolve);
      call.stream = connection.request(submitHeaders(target), call);
      call.stream?.sendData(submitMessages(branches, gidPrefix)(1), true);
    });
  } finally {
    clearTimeout(timer);
    connection.destroy();
  }
}
