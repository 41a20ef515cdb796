import { API_ROOT, basicAuthorization, problemDetails, rejectionCode } from '@holdfast/protocol';
import { type Dispatcher, Pool } from 'undici';
import { ErrorResponse } from '../error-response.ts';
import { UnexpectedResponse } from '../errors.ts';
import { LONGEST_TIMER_MS } from '../longest-timer.ts';
import type { TransportOptions } from '../options.ts';
import type { ApiResponse, ApiCall } from './api.ts';
import { callerFields, type CallerOptions } from './caller-fields.ts';
import { Ending } from './ending.ts';
import { isNeverSent } from './never-sent.ts';
import { refuseWithoutTls, tlsOptionsOf } from './client-tls.ts';
import { retryAfterIn } from './retry-after.ts';
import { type RejectedRequest, rejectionOf } from './rejection.ts';
import { type AttemptTimes, attemptTimes, callRepeatedly, type Outcome } from './repeated-call.ts';
import { interimUntil, parseJson, textOf, wholeBody } from './response-body.ts';
import type { Secrets } from './initiator-secrets.ts';
import type { SigningKeys } from './signer-of-texts.ts';

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

export interface HttpApiOptions
  extends Required<Omit<TransportOptions, 'tls' | keyof CallerOptions>>, CallerOptions, Pick<TransportOptions, 'tls'> {
  /** How long one response may take to arrive, in ms. Default: as long as its first byte. */
  readonly longestResponseMs?: number;
  readonly signingKeys?: SigningKeys;
  readonly secrets?: Secrets;
}

/** The API never sends a larger response: its pages and transactions are bounded. */
const MAX_RESPONSE_BYTES = 32 * 1024 * 1024;

/** The largest value of the header field `Request-Timeout-Ms`. */
const LONGEST_STATED_MS = 999_999_999;

const fieldOf = (ms: number): string => String(Math.ceil(Math.min(ms, LONGEST_STATED_MS)));

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
  /** Whether the application's header fields contain the timeout. */
  readonly #hasOwnTimeout: boolean;
  readonly #callerFields: () => Readonly<Record<string, string>>;
  #closing: Promise<void> | undefined;

  constructor(url: string, options: HttpApiOptions) {
    // The error of `URL` contains the password.
    if (!URL.canParse(url))
      throw new TypeError(
        "a coordinator's URL looks like http://127.0.0.1:36789 or grpc://127.0.0.1:36790; percent-encode what is special in a password",
      );
    const parsed = new URL(url);
    const authorization = basicAuthorization(parsed);
    if (parsed.protocol !== 'http:' && parsed.protocol !== 'https:') {
      throw new TypeError(
        `a coordinator's URL starts with http://, https://, grpc:// or grpcs://, not ${parsed.protocol}//`,
      );
    }
    refuseWithoutTls(options.tls, parsed.protocol === 'https:');
    this.url = parsed.origin + parsed.pathname.replace(/\/+$/, '');
    this.#root = parsed.pathname.replace(/\/+$/, '') + API_ROOT;
    this.#options =
      authorization === '' ? options : { ...options, headers: { authorization, ...lowerCased(options.headers) } };
    this.#callerFields = callerFields(options, options.headers);
    this.#hasOwnTimeout = Object.hasOwn(lowerCased(options.headers), 'request-timeout-ms');
    this.#pool = new Pool(parsed.origin, {
      connections: options.connections,
      connect: { timeout: options.requestTimeoutMs, ...tlsOptionsOf(options.tls) },
      maxResponseSize: MAX_RESPONSE_BYTES,
    });
  }

  async call<T>(request: HttpRequest<T>, call: ApiCall): Promise<ApiResponse<T>> {
    const { gid, method } = request;
    const coordinator = { url: this.url, retryForMs: this.#options.retryForMs, isClosed: () => this.#isClosed };
    return callRepeatedly(coordinator, {
      ...call,
      gid,
      isQuery: method === 'GET',
      attempt: (waitMs) => this.#attempt(request, call, waitMs),
    });
  }

  get #isClosed(): boolean {
    return this.#closing !== undefined;
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
    let retryAfterMs: number | undefined;
    const times = attemptTimes(this.#options.requestTimeoutMs, waitMs, call);
    // A body that is not JSON is the caller's mistake; repeating the request cannot help.
    const options = this.#requestOptions(request, waitMs, times);
    const ending = call.endsMs === undefined ? undefined : new Ending(times.clientMs, call.signal);
    const signal = ending?.signal ?? call.signal;
    try {
      const response = await this.#pool.request(signal === undefined ? options : { ...options, signal });
      status = response.statusCode;
      retryAfterMs = retryAfterIn(status, response.headers);
      text = textOf(await wholeBody(response.body, this.#options.longestResponseMs ?? options.bodyTimeout));
    } catch (error) {
      call.signal?.throwIfAborted();
      const cause = ending?.isLate === true ? new Error(`no response within ${Math.round(times.clientMs)} ms`) : error;
      return { kind: 'retry', cause, sent: !isNeverSent(error) };
    } finally {
      ending?.over();
    }
    return this.#read(request, status, text, retryAfterMs);
  }

  #requestOptions(
    request: HttpRequest<unknown>,
    waitMs: number | undefined,
    { clientMs, coordinatorMs }: AttemptTimes,
  ): Dispatcher.RequestOptions & { readonly bodyTimeout: number } {
    const limitMs = clientMs > LONGEST_TIMER_MS ? 0 : clientMs;
    return {
      method: request.method,
      path: this.#root + request.path + queryString({ ...request.query, waitMs }),
      headers: {
        ...(!this.#hasOwnTimeout && coordinatorMs < Infinity && { 'request-timeout-ms': fieldOf(coordinatorMs) }),
        ...this.#options.headers,
        ...this.#callerFields(),
        accept: 'application/json',
        ...(request.body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      body: request.body === undefined ? null : JSON.stringify(request.body),
      headersTimeout: limitMs,
      bodyTimeout: limitMs,
      onInfo: interimUntil(performance.now() + clientMs),
    };
  }

  #read<T>(request: HttpRequest<T>, status: number, text: string, retryAfterMs: number | undefined): Outcome<T> {
    const json = parseJson(text);
    if (status >= 200 && status < 300) {
      try {
        return { kind: 'done', value: request.schema.parse(json) };
      } catch (error) {
        throw new UnexpectedResponse(this.url, request.gid, status, 'this client cannot read the body', error);
      }
    }
    return this.#readError(request, new ErrorResponse(status, problemDetails.safeParse(json).data, retryAfterMs));
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
      const outcome = problem?.code === 'deadline_exceeded' && { outcome: problem.outcome ?? 'unknown' };
      // The coordinator has done nothing for a caller that has reached a limit.
      const sent = problem?.code !== 'too_many_requests';
      return { kind: 'retry', cause: response, sent, ...outcome };
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
