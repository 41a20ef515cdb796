import { RESPONSE_TIMEOUT_SECONDS } from '../load/load.ts';
import { connectTo } from './grpc-closed-loop.ts';
import { callHeaders } from './submit-request.ts';
import { UnaryCall, type UnaryResponse } from './unary-call.ts';

/**
 * Makes one call over a new connection. Resolves to its end; rejects without a connection.
 *
 * @param message with its five bytes of framing
 */
export async function callOnce(target: string, method: string, message: Buffer): Promise<UnaryResponse> {
  const connection = await connectTo(target);
  const timer = setTimeout(() => connection.destroy(), RESPONSE_TIMEOUT_SECONDS * 1000);
  try {
    return await new Promise<UnaryResponse>((resolve) => {
      const call = new UnaryCall(resolve);
      call.stream = connection.request(callHeaders(target, method), call);
      call.stream?.sendData(message, true);
    });
  } finally {
    clearTimeout(timer);
    connection.destroy();
  }
}
