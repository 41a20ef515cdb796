import type { CallContext } from '@holdfast/core';
import { NAMESPACE_FIELD, namespaceOf, type PrincipalLimits } from '@holdfast/api';
import {
  ANONYMOUS,
  DEFAULT_NAMESPACE,
  HoldfastError,
  parseTraceContext,
  type Principal,
  type TraceContext,
} from '@holdfast/protocol';
import type { Exchange } from './exchange.ts';

const TIMEOUT = /^\d{1,9}$/;

/**
 * The deadline that a request states; undefined if there is none, or its text is malformed, for
 * which the request is rejected later.
 */
export function deadlineOf(exchange: Exchange, arrivedMs: number): number | undefined {
  const text = exchange.field('request-timeout-ms');
  return text !== undefined && TIMEOUT.test(text) ? arrivedMs + Number(text) : undefined;
}

/**
 * The caller of a request, and whether it is still connected. The signal is created on first use:
 * most requests finish before anything needs it.
 */
export class RequestContext implements CallContext {
  #principal: Principal = ANONYMOUS;
  #namespace: string = DEFAULT_NAMESPACE;
  readonly #exchange: Exchange;
  readonly #arrivedMs: number;
  readonly #limits: PrincipalLimits | undefined;
  #abort: AbortController | undefined;

  /** @param arrivedMs when the request arrived, by `performance.now()` as the engine's clock */
  constructor(exchange: Exchange, arrivedMs: number, limits?: PrincipalLimits) {
    this.#exchange = exchange;
    this.#arrivedMs = arrivedMs;
    this.#limits = limits;
  }

  /** Counts bytes of the body whose length was not announced. */
  received(bytes: number): void {
    this.#limits?.received(this.#principal, bytes);
  }

  get principal(): Principal {
    return this.#principal;
  }

  get namespace(): string {
    return this.#namespace;
  }

  /**
   * Sets the caller, and the namespace that its request names.
   *
   * @throws {HoldfastError} `invalid` or `forbidden`; see `namespaceOf`
   */
  admit(principal: Principal): void {
    this.#principal = principal;
    this.#namespace = namespaceOf(principal, this.#exchange.field(NAMESPACE_FIELD));
  }

  get remoteAddress(): string | undefined {
    return this.#exchange.peer?.address;
  }

  /** Parsed on access, for the same reason. */
  get trace(): TraceContext | undefined {
    const traceparent = this.#exchange.field('traceparent');
    return traceparent === undefined ? undefined : parseTraceContext(traceparent, this.#exchange.field('tracestate'));
  }

  /**
   * The header field `Request-Timeout-Ms`: how long the client waits for the response, counted from
   * the arrival of the request. Throws `invalid` if it is not a whole number of milliseconds, or
   * was sent more than once.
   */
  get deadlineMs(): number | undefined {
    const text = this.#exchange.field('request-timeout-ms');
    if (text === undefined) return undefined;
    if (!TIMEOUT.test(text))
      throw new HoldfastError(
        'invalid',
        'the header field Request-Timeout-Ms must be a whole number of milliseconds with at most 9 digits',
      );
    return this.#arrivedMs + Number(text);
  }

  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      const abort = (this.#abort = new AbortController());
      if (this.#exchange.isGone) abort.abort();
      else this.#exchange.onGone(() => abort.abort());
    }
    return this.#abort.signal;
  }
}
