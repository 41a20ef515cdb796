import type { CallContext } from '@holdfast/core';
import { DEFAULT_NAMESPACE } from '@holdfast/protocol';
import type { Exchange } from './exchange.ts';

/**
 * The caller of a request, and whether it is still connected. The signal is created on first use:
 * most requests finish before anything needs it.
 */
export class RequestContext implements CallContext {
  readonly principal = 'anonymous';
  readonly namespace = DEFAULT_NAMESPACE;
  readonly #exchange: Exchange;
  #abort: AbortController | undefined;

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
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
