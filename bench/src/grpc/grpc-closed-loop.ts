import { once } from 'node:events';
import { connect } from 'node:net';
import { LatencyHistogram } from '../load/latency-histogram.ts';
import { type LoadRequest, type LoadResult, RESPONSE_TIMEOUT_SECONDS } from '../load/load.ts';
import { Http2Socket } from './http2-socket.ts';
import { callHeaders, SUBMIT_METHOD, submitMessages } from './submit-request.ts';
import { UnaryCall, type UnaryResponse } from './unary-call.ts';

/** Callers that share a connection: a gRPC client has one per server. */
export const CALLERS_PER_CONNECTION = 64;
const CANCEL = 8;
const LATE_CHECK_MS = 500;

/** Connects to an origin such as `http://127.0.0.1:36790`. Rejects if that fails. */
export async function connectTo(target: string): Promise<Http2Socket> {
  const { hostname, port } = new URL(target);
  const socket = connect({ host: hostname, port: Number(port) });
  const connection = new Http2Socket(socket);
  await once(socket, 'connect');
  return connection;
}

/**
 * Runs callers that each submit a saga over gRPC, wait for the response and submit again, until the
 * time has expired. A caller whose connection is lost stops.
 */
export async function runGrpcLoop(request: LoadRequest): Promise<LoadResult> {
  const { target, connections: callers } = request;
  const sockets = await Promise.all(
    Array.from({ length: Math.ceil(callers / CALLERS_PER_CONNECTION) }, () => connectTo(target)),
  );
  const round = new Round(request);
  await Promise.all(
    Array.from({ length: callers }, (_, index) => round.caller(sockets[index % sockets.length] as Http2Socket)),
  ).finally(() => round.end());
  for (const socket of sockets) socket.destroy();
  return round.result();
}

/** The counts of a round, and its calls in progress. */
class Round {
  readonly #headers: Buffer;
  readonly #messageOf: (n: number) => Buffer;
  readonly #latencies = new LatencyHistogram();
  readonly #startMs = performance.now();
  readonly #endMs: number;
  readonly #lateCheck = setInterval(() => this.#endLate(), LATE_CHECK_MS);
  /** Calls in progress, and when they were sent; the oldest first. */
  readonly #inProgress = new Map<UnaryCall, number>();
  #sent = 0;
  #completed = 0;
  #statusErrors = 0;
  #bodyErrors = 0;
  #socketErrors = 0;

  constructor({ target, branches, gidPrefix, seconds }: LoadRequest) {
    this.#headers = callHeaders(target, SUBMIT_METHOD);
    this.#messageOf = submitMessages(branches, gidPrefix);
    this.#endMs = this.#startMs + seconds * 1000;
  }

  /** Resolves when the caller stops. */
  caller(socket: Http2Socket): Promise<void> {
    return new Promise((resolve) => {
      const next = (): void => {
        const sentMs = performance.now();
        if (sentMs >= this.#endMs) return resolve();
        const call = new UnaryCall((response) => {
          this.#inProgress.delete(call);
          this.#count(response, sentMs);
          next();
        });
        const stream = socket.request(this.#headers, call);
        if (stream === undefined) {
          this.#socketErrors++;
          return resolve();
        }
        call.stream = stream;
        this.#inProgress.set(call, sentMs);
        stream.sendData(this.#messageOf((this.#sent += 1)), true);
      };
      next();
    });
  }

  end(): void {
    clearInterval(this.#lateCheck);
  }

  result(): LoadResult {
    return {
      seconds: (performance.now() - this.#startMs) / 1000,
      completed: this.#completed,
      p50Ms: this.#latencies.percentileMs(50),
      p99Ms: this.#latencies.percentileMs(99),
      statusErrors: this.#statusErrors,
      bodyErrors: this.#bodyErrors,
      socketErrors: this.#socketErrors,
    };
  }

  #count({ status, failure }: UnaryResponse, sentMs: number): void {
    if (failure !== undefined) {
      this.#socketErrors++;
      return;
    }
    this.#latencies.add(performance.now() - sentMs);
    if (status === '0') this.#completed++;
    else if (status === undefined) this.#bodyErrors++;
    else this.#statusErrors++;
  }

  #endLate(): void {
    const beforeMs = performance.now() - RESPONSE_TIMEOUT_SECONDS * 1000;
    for (const [call, sentMs] of this.#inProgress) {
      if (sentMs > beforeMs) return;
      call.stream?.reset(CANCEL);
    }
  }
}
