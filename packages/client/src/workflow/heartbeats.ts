import type { ApiResponse, Api } from '../api/api.ts';
import { LONGEST_TIMER_MS } from '../longest-timer.ts';

/** No heartbeat is sent for this time after a coordinator that takes none. */
const NOT_TAKEN_PAUSE_MS = 60_000;

/**
 * The heartbeats of the workflows that run in this process.
 *
 * HB1  While a run is live the coordinator receives a heartbeat in each period in which the run
 *      records nothing: a third of the interval of callbacks, as the coordinator states it. One
 *      that is not responded to ends with its period, so that the next one is sent in time.
 * HB2  A run sends one at a time, none after it ended, and none once it has recorded nothing for
 *      its limit.
 * HB3  A coordinator of an earlier version receives none: it states no period. Should a heartbeat
 *      reach one all the same, this process sends none for a minute.
 */
export class Heartbeats {
  readonly #api: Api;
  #notBeforeMs = 0;

  constructor(api: Api) {
    this.#api = api;
  }

  /** @param limitMs how long they are sent after the last record */
  begin(gid: string, limitMs: number): Heartbeat {
    return new Heartbeat(this.#api, gid, limitMs, this);
  }

  get isPaused(): boolean {
    return performance.now() < this.#notBeforeMs;
  }

  pause(): void {
    this.#notBeforeMs = performance.now() + NOT_TAKEN_PAUSE_MS;
  }
}

/** The heartbeats of one run, from the coordinator's first response that states a period. */
export class Heartbeat {
  /** For the run: each of its records counts as a heartbeat. */
  readonly api: Api;
  readonly #api: Api;
  readonly #gid: string;
  readonly #limitMs: number;
  readonly #all: Heartbeats;
  #periodMs: number | undefined;
  #recordedAtMs = performance.now();
  #timer: NodeJS.Timeout | undefined;
  #request: AbortController | undefined;
  #stopped = false;

  constructor(api: Api, gid: string, limitMs: number, all: Heartbeats) {
    this.#api = api;
    this.#gid = gid;
    this.#limitMs = limitMs;
    this.#all = all;
    this.api = {
      ...api,
      createTransaction: async (input, call) => this.#paced(await api.createTransaction(input, call)),
      getWorkflowProgress: async (input, call) => this.#paced(await api.getWorkflowProgress(input, call)),
      registerBranch: async (input, call) => this.#recorded(await api.registerBranch(input, call)),
    };
  }

  /** The run has ended. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#request?.abort();
  }

  #paced<T extends { readonly heartbeatMs?: number | undefined }>(response: ApiResponse<T>): ApiResponse<T> {
    if (!response.ok) return response;
    const { heartbeatMs } = response.value;
    this.#periodMs = heartbeatMs && Math.min(heartbeatMs, LONGEST_TIMER_MS);
    this.#wait();
    return response;
  }

  #recorded(response: ApiResponse<void>): ApiResponse<void> {
    if (!response.ok) return response;
    this.#recordedAtMs = performance.now();
    this.#wait();
    return response;
  }

  /**
   * A whole period from now on, unless a heartbeat is being sent.
   *
   * @param sinceMs from when on instead; a time that has passed is now
   */
  #wait(sinceMs = performance.now()): void {
    clearTimeout(this.#timer);
    if (this.#stopped || this.#periodMs === undefined || this.#request !== undefined) return;
    const delayMs = Math.max(0, sinceMs + this.#periodMs - performance.now());
    // The work of the run keeps the process alive, if anything does.
    this.#timer = setTimeout(() => void this.#beat(), delayMs).unref();
  }

  async #beat(): Promise<void> {
    const beganMs = performance.now();
    if (beganMs - this.#recordedAtMs > this.#limitMs) return;
    if (!this.#all.isPaused) await this.#send(this.#periodMs ?? 0);
    // Not from its end: after one that received no response, the next one must not be late.
    this.#wait(Math.max(beganMs, this.#recordedAtMs));
  }

  async #send(periodMs: number): Promise<void> {
    const request = (this.#request = new AbortController());
    const late = setTimeout(() => request.abort(), periodMs).unref();
    try {
      const call = { retryForMs: periodMs, signal: request.signal, onlyStatedGid: true } as const;
      const response = await this.#api.sendHeartbeat({ gid: this.#gid }, call);
      if (!response.ok && response.rejection.gid === undefined) this.#all.pause();
      // The transaction is finished or missing: the run detects this with its next record.
      else if (!response.ok) this.stop();
    } catch {
      // The next heartbeat may succeed again.
    } finally {
      clearTimeout(late);
      this.#request = undefined;
    }
  }
}
