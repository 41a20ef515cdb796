import {
  type ApiResponse,
  type Api,
  type ApiCall,
  type ApiCalls,
  CoordinatorUnreachable,
  DeadlineExceeded,
  gidOfInput,
  pause,
  type RejectedRequest,
  rejectionOf,
  resumed,
  RetryBudget,
  SHORTEST_REPEAT_MS,
  UnexpectedResponse,
  unlessAborted,
} from '@holdfast/client/api';
import type { CallContext } from '@holdfast/core';
import {
  DEFAULT_NAMESPACE,
  HoldfastError,
  isRejectionCode,
  OPERATION_NAMES,
  operationOf,
  type OperationName,
  type Principal,
  renderError,
  ROLES,
} from '@holdfast/protocol';
import { type AnyInput, type ApiV1, V1_NAMES } from '@holdfast/api';
import type { InitiatorCalls } from './initiator-calls.ts';
import { watchInProcess } from './in-process-watch.ts';

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

function contextOf({ signal, endsMs }: ApiCall): CallContext {
  if (endsMs !== undefined) return { ...CONTEXT, signal, deadlineMs: endsMs };
  return signal === undefined ? CONTEXT : { ...CONTEXT, signal };
}

const waitMsOf = ({ waitUntilMs }: ApiCall): number =>
  waitUntilMs === undefined ? 0 : Math.max(0, waitUntilMs - performance.now());

/**
 * The requests of the SDK, carried out by the coordinator of this process: as over HTTP, without
 * serialisation.
 */
export function inProcessApi(dependencies: InProcessApiDependencies): Api {
  const { initiatorCalls, stop } = dependencies;
  let closing: Promise<void> | undefined;
  const calls = Object.fromEntries(OPERATION_NAMES.map((name) => [name, stubOf(dependencies, name)]));
  return {
    ...(calls as unknown as ApiCalls),
    watch: (call) =>
      resumed({ name: dependencies.name, isClosed: dependencies.isStopped }, call, (afterVersion) =>
        watchInProcess(
          dependencies.api,
          contextOf({ signal: call.signal }),
          { ...call, name: dependencies.name },
          afterVersion,
        ),
      ),
    callBranch: (request) => initiatorCalls.call(request),
    secretFaultOf: (headers) => initiatorCalls.secretFaultOf(headers),
    url: undefined,
    close: () => (closing ??= stop()),
  };
}

function stubOf(dependencies: InProcessApiDependencies, name: OperationName) {
  const invoke = dependencies.api.invokeOf(name);
  const { waits, kind } = operationOf(name);
  return (input: AnyInput, call: ApiCall): Promise<ApiResponse<unknown>> => {
    const run: Run<unknown> = (context) => invoke(context, input, waits === true ? waitMsOf(call) : 0);
    return respond(dependencies, { operation: name, input }, call, run, kind === 'query');
  };
}

const outcomeOf = (mayBeDone: boolean, isQuery: boolean) => (mayBeDone && !isQuery ? 'unknown' : 'not_started');

type Run<T> = (context: CallContext) => Promise<T>;

/**
 * Repeats requests that the coordinator cannot accept now, as a client over HTTP does, unless it is
 * stopping: then it never will.
 */
async function respond<T>(
  { name, retryForMs, isStopped }: InProcessApiDependencies,
  request: RejectedRequest,
  call: ApiCall,
  run: Run<T>,
  isQuery: boolean,
): Promise<ApiResponse<T>> {
  const gid = gidOfInput(request.input);
  const { signal, endsMs = Infinity } = call;
  const budget = new RetryBudget(call.retryForMs ?? retryForMs);
  let repeated = false;
  for (let attempt = 1; ; attempt++) {
    signal?.throwIfAborted();
    const startedMs = performance.now();
    if (startedMs >= endsMs) {
      const outcome = outcomeOf(repeated, isQuery);
      throw new DeadlineExceeded(name, gid, attempt - 1, outcome, new Error('its time has expired'));
    }
    const waitMs = waitMsOf(call);
    try {
      const value = await unlessAborted(run(contextOf(call)), signal);
      signal?.throwIfAborted();
      return { ok: true, value };
    } catch (thrown) {
      signal?.throwIfAborted();
      const error = HoldfastError.from(thrown);
      if (isRejectionCode(error.code)) {
        const rendered = renderError(error, V1_NAMES);
        const rejection = rejectionOf(request, error.code, { ...rendered, gid: rendered.gid ?? gid });
        return { ok: false, rejection, repeated };
      }
      if (error.code === 'internal') throw new UnexpectedResponse(name, gid, undefined, error.message, thrown);
      repeated ||= error.outcome !== 'not_started';
      const pauseMs = isStopped() ? undefined : budget.failed(attempt, performance.now() - startedMs, waitMs);
      const isOver = performance.now() + (pauseMs ?? 0) + SHORTEST_REPEAT_MS > endsMs;
      if (isOver || (pauseMs === undefined && error.code === 'deadline_exceeded'))
        throw new DeadlineExceeded(name, gid, attempt, outcomeOf(repeated, isQuery), error);
      if (pauseMs === undefined)
        throw new CoordinatorUnreachable(name, gid, attempt, outcomeOf(repeated, isQuery), error);
      await pause(pauseMs, signal);
    }
  }
}
