import { API_ROOT, basicAuthorization, problemDetails, rejectionCode } from '@holdfast/protocol';
import { type Dispatcher, Pool } from 'undici';
import { ErrorResponse } from '../error-response.ts';
import { LONGEST_TIMER_MS } from '../longest-timer.ts';
import { CoordinatorUnreachable, type RequestRejected, UnexpectedResponse } from '../errors.ts';
import type { TransportOptions } from '../options.ts';
import type { ApiResponse, ApiCall } from './api.ts';
import { pause } from './back-off.ts';
import { type RejectedRequest, rejectionOf } from './rejection.ts';
import { RetryBudget } from './retry-budget.ts';

/** Reads a JSON value, or throws. */
interface Schema<T> {
  parse(value: unknown): T;
}

export interface HttpRequest<T> extends RejectedRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Below the API's root, such as `/transactions`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: unknown;
  readonly schema: Schema<T>;
  /** For error messages. */
  readonly gid?: string;
}

export interface HttpApiOptions extends Required<TransportOptions> {
  /** How long one response may take to arrive, in ms. Default: as long as its first byte. */
  readonly longestResponseMs?: number;
}

/** The API never sends a larger response: its pages and transactions are bounded. */
const MAX_RESPONSE_BYTES = 32 * 1024 * 1024;

/**
 * Errors of a connection that was never established: the request was not sent, so it was certainly
 * not carried out.
 */
const NEVER_SENT = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/**
 * The longest time that one request lets the coordinator hold its response back: shorter than
 * proxies tolerate.
 */
const LONGEST_POLL_MS = 20_000;

const pollMs = (untilMs: number): number =>
  Math.round(Math.max(0, Math.min(untilMs - performance.now(), LONGEST_POLL_MS)));

type Outcome<T> =
  | { readonly kind: 'done'; readonly value: T }
  | { readonly kind: 'rejected'; readonly rejection: RequestRejected }
  | { readonly kind: 'retry'; readonly cause: unknown; readonly sent: boolean };

/**
 * Sends requests to the coordinator and repeats them while it is unreachable or responds "not now".
 * Repeating is safe: every request of the API either reads, or names a gid and has no effect the
 * second time.
 */
export class HttpTransport {
  readonly url: string;
  readonly #root: string;
  readonly #pool: Pool;
  readonly #options: HttpApiOptions;
  #closing: Promise<void> | undefined;

  constructor(url: string, options: HttpApiOptions) {
    // The error of `URL` contains the password.
    if (!URL.canParse(url))
      throw new TypeError(
        "a coordinator's URL looks like http://127.0.0.1:36789; percent-encode what is special in a password",
      );
    const parsed = new URL(url);
    const authorization = basicAuthorization(parsed);
    if (parsed.protocol !== 'http:' && parsed.protocol !== 'https:') {
      throw new TypeError(`a coordinator's URL starts with http:// or https://, not ${parsed.protocol}//`);
    }
    this.url = parsed.origin + parsed.pathname.replace(/\/+$/, '');
    this.#root = parsed.pathname.replace(/\/+$/, '') + API_ROOT;
    this.#options =
      authorization === '' ? options : { ...options, headers: { authorization, ...lowerCased(options.headers) } };
    this.#pool = new Pool(parsed.origin, {
      connections: options.connections,
      connect: { timeout: options.requestTimeoutMs },
      maxResponseSize: MAX_RESPONSE_BYTES,
    });
  }

  async call<T>(request: HttpRequest<T>, call: ApiCall): Promise<ApiResponse<T>> {
    const budget = new RetryBudget(call.retryForMs ?? this.#options.retryForMs);
    let repeated = false;
    for (let attempt = 1; ; attempt++) {
      if (this.#closing !== undefined)
        throw new CoordinatorUnreachable(this.url, request.gid, attempt, new Error('this client was closed'));
      const startedMs = performance.now();
      const waitMs = call.waitUntilMs === undefined ? undefined : pollMs(call.waitUntilMs);
      const outcome = await this.#attempt(request, call, waitMs);
      if (outcome.kind === 'done') return { ok: true, value: outcome.value };
      if (outcome.kind === 'rejected') return { ok: false, rejection: outcome.rejection, repeated };
      repeated ||= outcome.sent;
      const pauseMs = budget.failed(attempt, performance.now() - startedMs, outcome.sent ? (waitMs ?? 0) : 0);
      if (pauseMs === undefined) throw new CoordinatorUnreachable(this.url, request.gid, attempt, outcome.cause);
      await pause(pauseMs, call.signal);
    }
  }

  /** Can be called again: shutdown hooks and `await using` may both call it. */
  close(): Promise<void> {
    return (this.#closing ??= this.#pool.close());
  }

  /** Ends the calls in progress: their outcomes are unknown. */
  destroy(): Promise<void> {
    this.#closing ??= Promise.resolve();
    return this.#pool.destroy();
  }

  async #attempt<T>(request: HttpRequest<T>, call: ApiCall, waitMs: number | undefined): Promise<Outcome<T>> {
    call.signal?.throwIfAborted();
    let status: number;
    let text: string;
    // A body that is not JSON is the caller's mistake; repeating the request cannot help.
    const options = this.#requestOptions(request, waitMs, call.signal);
    try {
      const response = await this.#pool.request(options);
      status = response.statusCode;
      text = textOf(await wholeBody(response.body, this.#options.longestResponseMs ?? options.bodyTimeout));
    } catch (error) {
      call.signal?.throwIfAborted();
      return { kind: 'retry', cause: error, sent: !NEVER_SENT.has(codeOf(error)) };
    }
    return this.#read(request, status, text);
  }

  #requestOptions(
    request: HttpRequest<unknown>,
    waitMs: number | undefined,
    signal: AbortSignal | undefined,
  ): Dispatcher.RequestOptions & { readonly bodyTimeout: number } {
    const timeoutMs = Math.min(this.#options.requestTimeoutMs + (waitMs ?? 0), LONGEST_TIMER_MS);
    return {
      method: request.method,
      path: this.#root + request.path + queryString({ ...request.query, waitMs }),
      headers: {
        ...this.#options.headers,
        accept: 'application/json',
        ...(request.body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      body: request.body === undefined ? null : JSON.stringify(request.body),
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
      ...(signal === undefined ? {} : { signal }),
    };
  }

  #read<T>(request: HttpRequest<T>, status: number, text: string): Outcome<T> {
    const json = parseJson(text);
    if (status >= 200 && status < 300) {
      try {
        return { kind: 'done', value: request.schema.parse(json) };
      } catch (error) {
        throw new UnexpectedResponse(this.url, request.gid, status, 'this client cannot read the body', error);
      }
    }
    return this.#readError(request, new ErrorResponse(status, problemDetails.safeParse(json).data));
  }

  #readError(request: HttpRequest<unknown>, response: ErrorResponse): Exclude<Outcome<never>, { kind: 'done' }> {
    const { httpStatus, problem } = response;
    const code = problem && rejectionCode(httpStatus, problem.code);
    if (problem !== undefined && code !== undefined) {
      const { detail: message, fault, field, transactionStatus: status } = problem;
      const gid = problem.gid ?? request.gid;
      const rejection = rejectionOf(request, code, { message, fault, field, gid, status, cause: response });
      return { kind: 'rejected', rejection };
    }
    // 502 to 504 also come from proxies in front of an unavailable coordinator.
    if (httpStatus === 429 || (httpStatus >= 502 && httpStatus <= 504)) {
      return { kind: 'retry', cause: response, sent: true };
    }
    const what = problem === undefined ? 'the body is not a response of its API' : problem.detail;
    throw new UnexpectedResponse(this.url, request.gid, httpStatus, what, response);
  }
}

/**
 * Header names in lower case, so that an `Authorization` of the options replaces that of the URL.
 */
const lowerCased = (headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));

function queryString(query: Readonly<Record<string, string | number | boolean | undefined>>): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) search.set(name, String(value));
  }
  return search.size === 0 ? '' : `?${search.toString()}`;
}

/**
 * Reads the body of a response. The pool only limits the time between two pieces: a body that
 * arrives byte by byte would never end.
 *
 * @param timeoutMs 0: no limit
 */
async function wholeBody(body: Dispatcher.ResponseData['body'], timeoutMs: number): Promise<ArrayBuffer> {
  if (timeoutMs === 0) return body.arrayBuffer();
  const timer = setTimeout(() => body.destroy(new Error(`no complete response within ${timeoutMs} ms`)), timeoutMs);
  try {
    return await body.arrayBuffer();
  } finally {
    clearTimeout(timer);
  }
}

/** Empty if the body is not UTF-8, as a proxy's text may be; the coordinator's always is. */
function textOf(body: ArrayBuffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    return '';
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const codeOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string' ? error.code : '';
