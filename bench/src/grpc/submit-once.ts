import { callOnce } from './call-once.ts';
import { SUBMIT_METHOD, submitMessages } from './submit-request.ts';
import type { UnaryResponse } from './unary-call.ts';

/** Submits one saga over gRPC. Resolves to the end of the call; rejects without a connection. */
export const submitOnce = (target: string, branches: string, gidPrefix: string): Promise<UnaryResponse> =>
  callOnce(target, SUBMIT_METHOD, submitMessages(branches, gidPrefix)(1));
