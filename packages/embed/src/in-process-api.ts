import {
  type Answer,
  type Api,
  type ApiCall,
  CoordinatorUnreachable,
  pause,
  RequestRejected,
  RetryBudget,
  UnexpectedResponse,
  unlessAborted,
} from '@holdfast/client/api';
import type { CallContext } from '@holdfast/core';
import {
  DEFAULT_NAMESPACE,
  HoldfastError,
  isRejectionCode,
  type Principal,
  type RejectionCode,
  ROLES,
} from '@holdfast/protocol';
import { type ApiV1, inOwnWords, messageOf } from '@holdfast/runtime';
import type { InitiatorCalls } from './initiator-calls.ts';

export interface InProcessApiDependencies {
  readonly api: ApiV1;
  readonly initiatorCalls: InitiatorCalls;
  /** Stops the coordinator; called once. */
  readonly stop: () => Promise<void>;
  /** The coordinator's name in errors. */
  readonly name: string;
  readonly retryForMs: number;
  /** Whether the coordinator no longer accepts anything. */
  readonly isStopped: () => boolean;
}

/** The application that embeds the coordinator, which may do everything. */
export const EMBEDDED: Principal = { id: 'embedded', roles: ROLES };

/** Calls within the process are never aborted by a lost connection. */
const CONTEXT: CallContext = { principal: EMBEDDED, namespace: DEFAULT_NAMESPACE };

const contextOf = ({ signal }: ApiCall): CallContext => (signal === undefined ? CONTEXT : { ...CONTEXT, signal });

const waitMsOf = ({ waitUntilMs }: ApiCall): number =>
  waitUntilMs === undefined ? 0 : Math.max(0, waitUntilMs - performance.now());

/**
 * The requests of the SDK, carried out by the coordinator of this process: as over HTTP, without
 * serialisation.
 */
export function inProcessApi(dependencies: InProcessApiDependencies): Api {
  const { api, initiatorCalls, stop } = dependencies;
  let closing: Promise<void> | undefined;
  const ask = <T>(gid: string | undefined, call: ApiCall, run: Run<T>): Promise<Answer<T>> =>
    answer(dependencies, gid, call, run);
  return {
    create: (request, call) => ask(request.gid, call, (context) => api.create(context, request, waitMsOf(call))),
    submitPrepared: (gid, body, call) => ask(gid, call, (context) => api.submit(context, gid, body, waitMsOf(call))),
    registerBranch: (gid, body, call) => ask(gid, call, (context) => api.registerBranch(context, gid, body)),
    workflowProgress: (gid, call) => ask(gid, call, (context) => api.progress(context, gid)),
    finishWorkflow: (gid, body, call) => ask(gid, call, (context) => api.finish(context, gid, body)),
    parkWorkflow: (gid, body, call) => ask(gid, call, (context) => api.park(context, gid, body)),
    heartbeat: (gid, call) => ask(gid, call, (context) => api.heartbeat(context, gid)),
    callBranch: (request) => initiatorCalls.call(request),
    get: (gid, call) => ask(gid, call, (context) => api.get(context, gid, waitMsOf(call))),
    list: (query, call) => ask(undefined, call, (context) => api.list(context, queryOf({ ...query }))),
    abort: (gid, body, call) => ask(gid, call, (context) => api.abort(context, gid, body, waitMsOf(call))),
    retry: (gid, call) => ask(gid, call, (context) => api.retry(context, gid, waitMsOf(call))),
    topics: (query, call) => ask(undefined, call, (context) => api.topics(context, queryOf({ ...query }))),
    subscribe: (topic, url, remark, call) =>
      ask(undefined, call, (context) => api.subscribe(context, topic, { url, remark })),
    unsubscribe: (topic, url, call) => ask(undefined, call, (context) => api.unsubscribe(context, topic, url)),
    deleteTopic: (topic, call) => ask(undefined, call, (context) => api.deleteTopic(context, topic)),
    url: undefined,
    close: () => (closing ??= stop()),
  };
}

type Run<T> = (context: CallContext) => Promise<T>;

/**
 * Repeats requests that the coordinator cannot accept now, as a client over HTTP does, unless it is
 * stopping: then it never will.
 */
async function answer<T>(
  { name, retryForMs, isStopped }: InProcessApiDependencies,
  gid: string | undefined,
  call: ApiCall,
  run: Run<T>,
): Promise<Answer<T>> {
  const { signal } = call;
  const budget = new RetryBudget(call.retryForMs ?? retryForMs);
  for (let attempt = 1; ; attempt++) {
    signal?.throwIfAborted();
    const startedMs = performance.now();
    const waitMs = waitMsOf(call);
    try {
      const value = await unlessAborted(run(contextOf(call)), signal);
      signal?.throwIfAborted();
      return { ok: true, value };
    } catch (thrown) {
      signal?.throwIfAborted();
      const error = HoldfastError.from(thrown);
      if (isRejectionCode(error.code))
        return { ok: false, rejection: rejectionOf(error.code, error, gid), repeated: attempt > 1 };
      if (error.code === 'internal')
        throw new UnexpectedResponse(name, gid, undefined, `a defect of its own: ${error.message}`, thrown);
      const pauseMs = isStopped() ? undefined : budget.failed(attempt, performance.now() - startedMs, waitMs);
      if (pauseMs === undefined) throw new CoordinatorUnreachable(name, gid, attempt, error);
      await pause(pauseMs, signal);
    }
  }
}

const rejectionOf = (code: RejectionCode, error: HoldfastError, gid: string | undefined): RequestRejected =>
  new RequestRejected(code, inOwnWords(messageOf(error)), {
    gid: error.gid ?? gid,
    field: error.field === undefined ? undefined : inOwnWords(error.field),
    transactionStatus: error.status,
  });

/** Decoded as from a URL, so that invalid values are rejected in the same way. */
function queryOf(query: Readonly<Record<string, string | number | boolean | undefined>>): URLSearchParams {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, String(value));
  return search;
}
