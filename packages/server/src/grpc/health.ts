import type { Coordinator } from '@holdfast/core';
import {
  GRPC_STATUS,
  HEALTH_CHECK_REQUEST,
  HEALTH_CHECK_RESPONSE,
  HEALTH_SERVICE,
  NOT_SERVING,
  SERVICE_UNKNOWN,
  SERVING,
} from '@holdfast/protocol/grpc';
import { encodeMessage } from '@holdfast/protocol/protobuf';
import { readyWithin } from '../http/operations.ts';
import { decodeRequest } from './decode-request.ts';
import { GrpcError } from './grpc-error.ts';
import type { GrpcMethod } from './grpc-method.ts';

/** How often `Watch` checks whether the health has changed. */
const WATCH_MS = 5_000;
/** For how long a result is used, however many clients check the health. */
const HEALTH_MS = 500;

/**
 * `grpc.health.v1`: the coordinator serves while it can write transactions. The empty name is
 * that of the whole server.
 */
export function healthMethods(
  coordinator: Pick<Coordinator, 'ready'>,
  services: readonly string[],
): readonly GrpcMethod[] {
  const health = sharedFor(HEALTH_MS, () =>
    readyWithin(coordinator).then(
      () => SERVING,
      () => NOT_SERVING,
    ),
  );
  const isKnown = (service: string): boolean => service === '' || services.includes(service);
  const status = async (service: string): Promise<number> => (isKnown(service) ? health() : SERVICE_UNKNOWN);
  return [
    {
      kind: 'unary',
      isPublic: true,
      path: `/${HEALTH_SERVICE}/Check`,
      call: async (_context, bytes) => {
        const { service } = decodeRequest(HEALTH_CHECK_REQUEST, bytes);
        if (!isKnown(service)) throw new GrpcError(GRPC_STATUS.notFound, 'there is no such service');
        return encodeMessage(HEALTH_CHECK_RESPONSE, { status: await status(service) });
      },
    },
    {
      kind: 'stream',
      isPublic: true,
      path: `/${HEALTH_SERVICE}/Watch`,
      run: async ({ requests, send, signal }) => {
        const service = await firstService(requests);
        for (let last = -1; !signal.aborted; await elapsed(WATCH_MS, signal)) {
          const now = await status(service);
          if (now !== last) await send(encodeMessage(HEALTH_CHECK_RESPONSE, { status: now }));
          last = now;
        }
      },
    },
  ];
}

/** The function with its result shared by all calls within a time. */
function sharedFor<T>(ms: number, check: () => Promise<T>): () => Promise<T> {
  let last: Promise<T> | undefined;
  let untilMs = -Infinity;
  return () => {
    const nowMs = performance.now();
    if (last === undefined || nowMs >= untilMs) {
      last = check();
      untilMs = nowMs + ms;
    }
    return last;
  };
}

async function firstService(requests: AsyncIterable<Buffer>): Promise<string> {
  for await (const bytes of requests) return decodeRequest(HEALTH_CHECK_REQUEST, bytes).service;
  throw new GrpcError(GRPC_STATUS.invalidArgument, 'the request has no message');
}

function elapsed(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
  });
}
