import type { CallContext } from '@holdfast/core';
import { ERROR_RULES, type ErrorCode, HoldfastError, JSON_RPC_CODES } from '@holdfast/protocol';
import {
  type DtmFault,
  type DtmOutcome,
  type DtmService,
  faultOfError,
  type PrincipalLimits,
  rejectCall,
  SUCCEEDED,
} from '@holdfast/api';
import { readRegistration } from '../dtm/read-branch.ts';
import { readAbort } from '../dtm/read-command.ts';
import { readSubmission, readTransaction } from '../dtm/read-transaction.ts';
import { headOfError } from './error-head.ts';
import { type RpcResponse, failed, replyTo } from './json-rpc-response.ts';
import { type Method, serveJsonRpc } from './json-rpc-server.ts';
import type { Route } from './router.ts';

/** dtm's JSON-RPC calls (protocol page, "JSON-RPC"), rendered from its service. */
export function jsonRpcRoute(
  service: DtmService,
  onDefect: (error: HoldfastError) => void,
  limits?: PrincipalLimits,
): Route {
  const methods = new Map(
    Object.entries(methodsOf(service)).map(([name, method]) => [name, guarded(method, onDefect)]),
  );
  return {
    method: 'POST',
    path: '/api/json-rpc',
    readsBody: true,
    run: ({ context, body }) => serveJsonRpc({ methods, overLimit: overLimitOf(limits) }, context, body),
    fail: (error) =>
      replyTo(statusOf(error.code), failed(JSON_RPC_CODES.badRequest, faultOfError(error).message), headOfError(error)),
  };
}

/** The transport has counted a batch as one request: each further one counts as well. */
const overLimitOf =
  (limits: PrincipalLimits | undefined) =>
  ({ principal }: CallContext): RpcResponse | undefined => {
    if (limits === undefined) return undefined;
    try {
      limits.admit(principal);
      return undefined;
    } catch (thrown) {
      return responseOf(faultOfError(HoldfastError.from(thrown)));
    }
  };

/** Of a request whose body was not read; other codes are 400. */
const statusOf = (code: ErrorCode): number => (UNREAD.has(code) ? ERROR_RULES[code].httpStatus : 400);

const UNREAD: ReadonlySet<ErrorCode> = new Set([
  'too_large',
  'unauthenticated',
  'forbidden',
  'too_many_requests',
  'unavailable',
  'overloaded',
  'deadline_exceeded',
]);

function methodsOf(service: DtmService): Readonly<Record<string, Method>> {
  const newGid = service.invokeOf('newGid');
  return {
    newGid: async (context) => ({ result: { gid: await newGid(context, {}), dtm_result: SUCCEEDED.kind } }),
    prepare: change(readTransaction, service.invokeOf('prepare')),
    submit: change(readSubmission, service.invokeOf('submit')),
    abort: change(readAbort, service.invokeOf('abort')),
    registerBranch: change((params) => readRegistration(params), service.invokeOf('registerBranch')),
  };
}

const change =
  <T>(read: (params: unknown) => T, run: (context: CallContext, input: T) => Promise<DtmOutcome>): Method =>
  async (context, params) => {
    let input: T;
    try {
      input = read(params);
    } catch (thrown) {
      return rejectCall(run, context, thrown);
    }
    return responseOf(await run(context, input));
  };

/** The method with its errors converted to responses. */
const guarded =
  (method: Method, onDefect: (error: HoldfastError) => void): Method =>
  async (context, params) => {
    try {
      return await method(context, params);
    } catch (thrown) {
      const error = HoldfastError.from(thrown);
      if (error.code === 'internal') onDefect(error);
      return responseOf(faultOfError(error));
    }
  };

const SUCCESS: RpcResponse = { result: { dtm_result: SUCCEEDED.kind } };

const responseOf = (outcome: DtmOutcome): RpcResponse =>
  outcome.kind === 'SUCCESS' ? SUCCESS : responseOfFault(outcome);

function responseOfFault({ kind, message, status, error }: DtmFault): RpcResponse {
  if (error !== undefined) return failed(CODES[kind], message, { ...error, status });
  return failed(CODES[kind], message, kind === 'UNKNOWN' ? { status } : { dtm_result: kind, status });
}

const CODES = {
  FAILURE: JSON_RPC_CODES.failure,
  ONGOING: JSON_RPC_CODES.ongoing,
  UNKNOWN: JSON_RPC_CODES.failed,
} as const;
