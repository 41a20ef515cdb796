import { hasAllNamespaces } from '@holdfast/api';
import { HoldfastError, openApiDocument } from '@holdfast/protocol';
import type { Coordinator } from '@holdfast/core';
import { replyOfError } from './dtm-replies.ts';
import { jsonReply, type Parts, type Reply, streamReply } from './reply.ts';
import type { Route } from './router.ts';

/** The node is not ready if the store does not respond within this time. */
const READY_TIMEOUT_MS = 2_000;

export interface OperationsOptions {
  readonly version: string;
  /** The text of all metrics in parts, and its content type. */
  readonly metrics: () => Promise<{ readonly parts: Parts; readonly contentType: string }>;
  readonly readyTimeoutMs?: number;
}

const ALIVE: Reply = jsonReply(200, { status: 'ok' });
const PUBLIC = { isPublic: true } as const;
const PONG: Reply = jsonReply(200, { msg: 'pong' });

/** Health probes, metrics and the OpenAPI document. */
export function operationsRoutes(
  coordinator: Pick<Coordinator, 'ready'>,
  options: OperationsOptions,
): readonly Route[] {
  const route = (method: Route['method'], path: string, run: Route['run'], more: Partial<Route> = {}): Route => ({
    method,
    path,
    readsBody: false,
    run,
    fail: (error) => replyOfError(error),
    ...more,
  });
  // Created on the first request, to keep the start fast.
  let document: Reply | undefined;
  return [
    // Liveness only, independent of the store: an outage of the store must not restart
    // coordinators.
    route('GET', '/healthz', () => ALIVE, PUBLIC),
    route(
      'GET',
      '/readyz',
      async () => {
        await readyWithin(coordinator, options.readyTimeoutMs);
        return ALIVE;
      },
      PUBLIC,
    ),
    route('ANY', '/api/ping', () => PONG, PUBLIC),
    route('GET', '/openapi.json', () => (document ??= jsonReply(200, openApiDocument(options.version)))),
    route('GET', '/api/metrics', async ({ context: { principal } }) => {
      if (!hasAllNamespaces(principal)) throw metricsAreOfAll();
      const { parts, contentType } = await options.metrics();
      return streamReply(200, parts, contentType);
    }),
  ];
}

const metricsAreOfAll = (): HoldfastError =>
  new HoldfastError(
    'forbidden',
    'metrics describe transactions of all namespaces, and the caller may act in some only; use a token for all',
  );

/**
 * Resolves if transactions can be written now. Rejects with `unavailable` if the store does not
 * respond in time.
 */
export async function readyWithin(
  coordinator: Pick<Coordinator, 'ready'>,
  timeoutMs: number = READY_TIMEOUT_MS,
): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new HoldfastError('unavailable', `the store did not respond within ${timeoutMs} ms`));
    }, timeoutMs);
  });
  try {
    await Promise.race([coordinator.ready(), late]);
  } finally {
    clearTimeout(timer);
  }
}
