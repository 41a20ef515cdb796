import type { ServerResponse } from 'node:http';
import type { CallContext } from '@holdfast/core';
import { DEFAULT_NAMESPACE } from '@holdfast/protocol';

/**
 * Who calls, and whether they still listen. The signal is made when somebody asks for it: most requests are answered before anyone wants to know
 * whether the caller hung up.
 */
export class RequestContext implements CallContext {
  readonly principal = 'anonymous';
  readonly namespace = DEFAULT_NAMESPACE;
  readonly #response: ServerResponse;
  #abort: AbortController | undefined;

  constructor(response: ServerResponse) {
    this.#response = response;
  }

  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      const abort = (this.#abort = new AbortController());
      if (this.#response.destroyed) abort.abort();
      else this.#response.once('close', () => abort.abort());
    }
    return this.#abort.signal;
  }
}
