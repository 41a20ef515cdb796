import { type BranchResult, branchResult, describeNetworkError } from '@holdfast/protocol';
import type { HttpResponse } from '../http1/response-parser.ts';
import type { BranchConnections, BranchHttpCall } from './branch-connections.ts';
import type { Destroyable } from '../http1/http-connection.ts';
import { type HttpRequest, requestBytes } from '../http1/request-bytes.ts';
import { LONGEST_TIMER_MS } from '../event-loop/system-clock.ts';
import type { Expiring } from '../event-loop/time-out-in-turns.ts';
import type { HttpClock, Timeout } from '../http1/environment.ts';

/** Interprets a response. */
export type ResponseReader = (response: HttpResponse) => BranchResult;

/**
 * Makes one HTTP call over a pool. Every outcome becomes a result; the promise never rejects. It
 * settles after `timeoutMs` at the latest, which covers waiting for a connection, connecting,
 * sending and reading (some turns later if many calls time out at once). `onDone` is called once,
 * when the pool has finished with the call, with whether a response came.
 */
export function exchange(
  clock: HttpClock,
  pool: BranchConnections,
  request: HttpRequest,
  timeoutMs: number,
  read: ResponseReader,
  onDone: (responded: boolean) => void,
): Promise<BranchResult> {
  return new Promise((resolve) => {
    pool.send(new HttpExchange(clock, pool, request, timeoutMs, read, resolve, onDone));
  });
}

class HttpExchange implements BranchHttpCall, Expiring {
  readonly request: HttpRequest;
  private readonly clock: HttpClock;
  private readonly pool: BranchConnections;
  private readonly timeoutMs: number;
  private readonly read: ResponseReader;
  private readonly resolve: (result: BranchResult) => void;
  private readonly onDone: (responded: boolean) => void;
  private readonly deadline: Timeout;
  private connection: Destroyable | undefined;
  private isDone = false;

  constructor(
    clock: HttpClock,
    pool: BranchConnections,
    request: HttpRequest,
    timeoutMs: number,
    read: ResponseReader,
    resolve: (result: BranchResult) => void,
    onDone: (responded: boolean) => void,
  ) {
    this.clock = clock;
    this.pool = pool;
    this.request = request;
    this.timeoutMs = timeoutMs;
    this.read = read;
    this.resolve = resolve;
    this.onDone = onDone;
    this.deadline = clock.startTimeout(Math.min(timeoutMs, LONGEST_TIMER_MS), this);
  }

  get bytes(): Buffer {
    return requestBytes(this.request);
  }

  timeOut(): void {
    // The connection may carry another call by now.
    if (this.isDone) return;
    // This settles the promise; the failure that follows cannot change it.
    this.resolve(branchResult('UNKNOWN', `no response within ${this.timeoutMs} ms`));
    if (this.connection === undefined) this.pool.cancel(this);
    else this.connection.destroy(new Error('timed out'));
  }

  sentOver(connection: Destroyable | undefined): void {
    this.connection = connection;
  }

  responded(response: HttpResponse): void {
    this.done(true);
    this.resolve(this.read(response));
  }

  failed(error: Error): void {
    this.done(false);
    this.resolve(branchResult('UNKNOWN', describeNetworkError(error)));
  }

  private done(responded: boolean): void {
    this.isDone = true;
    this.clock.cancelTimeout(this.deadline);
    this.onDone(responded);
  }
}
