import type { CallContext } from '@holdfast/core';
import { ANONYMOUS, DEFAULT_NAMESPACE, parseTraceContext, type TraceContext } from '@holdfast/protocol';
import type { Exchange } from './exchange.ts';

/**
 * The caller of a request, and whether it is still connected. The signal is created on first use:
 * most requests finish before anything needs it.
 */
export class RequestContext implements CallContext {
  readonly principal = ANONYMOUS;
  readonly namespace = DEFAULT_NAMESPACE;
  readonly #exchange: Exchange;
  #abort: AbortController | undefined;

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
  }

  /** Parsed on access, for the same reason. */
  get trace(): TraceContext | undefined {
    const traceparent = this.#exchange.field('traceparent');
    return traceparent === undefined ? undefined : parseTraceContext(traceparent, this.#exchange.field('tracestate'));
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
