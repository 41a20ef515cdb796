import { encodeHeaders, type Field, fieldIn, type Http2Stream, type StreamReceiver } from '@holdfast/http2';
import type { Authenticator, PrincipalLimits } from '@holdfast/api';
import { GRPC_STATUS } from '@holdfast/protocol/grpc';
import { Call, type CallOwner, type CallPeer, GRPC_TYPE } from './call.ts';
import type { GrpcCallers } from './grpc-access.ts';
import { GrpcError } from './grpc-error.ts';
import type { GrpcMethod } from './grpc-method.ts';
import { GRPC_SERVER_SETTINGS } from './grpc-settings.ts';
import { HeldBytes, ManyRequests, OneRequest } from './request-receivers.ts';

const STARTING = new GrpcError(GRPC_STATUS.unavailable, 'the coordinator is starting');
const LEAVING = new GrpcError(GRPC_STATUS.unavailable, 'the coordinator is shutting down');
/** The path under which calls of unknown methods are counted, since their number is unbounded. */
const NO_METHOD = '(none)';

/** Serves the calls of all connections. */
export class CallServer {
  readonly #options: CallOwner;
  /** The calls with one request that is not complete, the oldest first. */
  readonly #receiving = new Map<Call, OneRequest>();
  readonly #streams = new Set<Call>();
  readonly #held: HeldBytes;
  #methods: ReadonlyMap<string, GrpcMethod> | undefined;
  #callers: GrpcCallers = { authenticator: undefined, limits: undefined };

  constructor(options: CallOwner, held = new HeldBytes()) {
    this.#options = options;
    this.#held = held;
  }

  use(methods: readonly GrpcMethod[], authenticator?: Authenticator, limits?: PrincipalLimits): void {
    this.#callers = { authenticator, limits };
    this.#methods = new Map(methods.map((method) => [method.path, method]));
  }

  /**
   * Begins a call. Returns the receiver of its requests.
   *
   * @param peer the client
   */
  serve(stream: Http2Stream, fields: readonly Field[], peer: CallPeer = {}): StreamReceiver {
    const fault = faultOfRequest(fields);
    if (fault !== undefined) {
      stream.sendHeaders(encodeHeaders([[':status', String(fault)]]), true);
      return IGNORED;
    }
    const path = fieldIn(fields, ':path') ?? '';
    const method = this.#methods?.get(path);
    const call = new Call(stream, method?.path ?? NO_METHOD, fields, this.#options);
    if (this.#methods === undefined) {
      call.end(STARTING);
      return IGNORED;
    }
    call.admit(method, this.#callers, peer);
    if (call.isEnded) return IGNORED;
    if (method !== undefined) return this.#receiverOf(call, method);
    call.whenAdmitted(() => call.end(unknownMethod(path)));
    return IGNORED;
  }

  /** Ends the calls whose requests take too long to arrive. */
  endLate(nowMs: number): void {
    const beforeMs = nowMs - GRPC_SERVER_SETTINGS.requestTimeoutMs;
    for (const [call, request] of this.#receiving) {
      if (call.startedMs > beforeMs) return;
      request.fail(
        new GrpcError(
          GRPC_STATUS.deadlineExceeded,
          `the request was not complete after ${GRPC_SERVER_SETTINGS.requestTimeoutMs} ms`,
        ),
      );
    }
  }

  /** Ends the calls that only their callers would end. */
  endStreams(): void {
    for (const call of this.#streams) call.end(LEAVING);
  }

  #receiverOf(call: Call, method: GrpcMethod): StreamReceiver {
    const { maxMessageBytes } = this.#options;
    const options = { call, maxMessageBytes, held: this.#held };
    if (method.kind === 'stream') {
      this.#streams.add(call);
      const receiver = new ManyRequests(method, { ...options, closed: () => void this.#streams.delete(call) });
      call.whenAdmitted(() => receiver.start());
      return receiver;
    }
    const received = (): void => void this.#receiving.delete(call);
    const closed = method.kind === 'unary' ? received : (): void => this.#ended(call);
    if (method.kind === 'events') this.#streams.add(call);
    const receiver = new OneRequest(method, { ...options, received, closed });
    this.#receiving.set(call, receiver);
    return receiver;
  }

  #ended(call: Call): void {
    this.#receiving.delete(call);
    this.#streams.delete(call);
  }
}

const nothing = (): void => undefined;
/** For calls that end before their requests. */
const IGNORED: StreamReceiver = {
  headers: nothing,
  data: nothing,
  complete: nothing,
  drained: nothing,
  closed: nothing,
};

/** The HTTP status for a request that is not gRPC. */
function faultOfRequest(fields: readonly Field[]): number | undefined {
  if (fieldIn(fields, ':method') !== 'POST') return 405;
  const type = fieldIn(fields, 'content-type') ?? '';
  return type === GRPC_TYPE || type.startsWith(`${GRPC_TYPE}+`) || type.startsWith(`${GRPC_TYPE};`) ? undefined : 415;
}

const unknownMethod = (path: string): GrpcError =>
  new GrpcError(GRPC_STATUS.unimplemented, `there is no method ${JSON.stringify(path.slice(0, 200))}`);
