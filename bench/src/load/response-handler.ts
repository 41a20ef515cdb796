import type { Dispatcher } from 'undici';

/**
 * Keeps a response's status and body. Uses undici's callbacks with raw headers, so that unused
 * headers are not parsed.
 */
export class ResponseHandler implements Dispatcher.DispatchHandler {
  #status = 0;
  #body: Buffer | undefined;
  readonly #onResponse: (status: number, body: string) => void;
  readonly #onFailure: (error: Error) => void;

  constructor(onResponse: (status: number, body: string) => void, onFailure: (error: Error) => void) {
    this.#onResponse = onResponse;
    this.#onFailure = onFailure;
  }

  onConnect(): void {
    // Nothing is ever aborted; undici requires the method.
  }

  onHeaders(status: number): boolean {
    this.#status = status;
    return true;
  }

  onData(chunk: Buffer): boolean {
    this.#body = this.#body === undefined ? chunk : Buffer.concat([this.#body, chunk]);
    return true;
  }

  onComplete(): void {
    this.#onResponse(this.#status, this.#body === undefined ? '' : this.#body.toString('utf8'));
  }

  onError(error: Error): void {
    this.#onFailure(error);
  }
}
