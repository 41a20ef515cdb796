import type { Dispatcher } from 'undici';
import type { BranchHttpCall } from '../http/branch-connections.ts';
import { type HttpResponse, MAX_KEPT_BYTES, MAX_RESPONSE_BYTES } from '../http1/response-parser.ts';
import { LongBody } from '../http1/long-body.ts';

/** The connection that carries a call, as its client tracks it. */
export interface Carrier {
  /** Number of responses received over it so far. */
  responses: number;
  /** The error that broke it. */
  error: Error | undefined;
}

/**
 * How a call ended. `lost`: its connection, which had carried other calls, ended before any byte of
 * the response.
 */
export type Ending =
  | { readonly kind: 'responded'; readonly response: HttpResponse }
  | { readonly kind: 'failed'; readonly error: Error }
  | { readonly kind: 'lost' };

/** Maximum number of interim (1xx) responses before the final one. */
const MAX_INFORMING = 16;
/** The status that servers send when they close a connection because it was idle for too long. */
const REQUEST_TIMEOUT = 408;

/**
 * One attempt to send a call by undici: collects the response within the limits of `http1` and
 * reports once how the call ended. After `abandon`, later events from undici are ignored.
 */
export class LibraryCall implements Dispatcher.DispatchHandler {
  readonly call: BranchHttpCall;
  /** Set by the client that carries the call. */
  carrier: Carrier | undefined;
  readonly #ended: (ending: Ending) => void;
  #controller: Dispatcher.DispatchController | undefined;
  #hasEnded = false;
  #hasBegun = false;
  #abandoned: Error | undefined;
  #status = 0;
  #informing = 0;
  #mayBeCutOff = false;
  #pieces: Buffer[] = [];
  #kept = 0;
  #total = 0;
  #long: LongBody | undefined;

  constructor(call: BranchHttpCall, ended: (ending: Ending) => void) {
    this.call = call;
    this.#ended = ended;
  }

  /** Ends the call in any state: it has failed with `reason` when this returns. */
  abandon(reason: Error): void {
    this.#abandoned = reason;
    this.#end({ kind: 'failed', error: reason });
    this.#controller?.abort(reason);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#abandoned !== undefined) return controller.abort(this.#abandoned);
    this.call.sentOver({ destroy: (reason = new Error('the call was abandoned')) => this.abandon(reason) });
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Readonly<Record<string, string | string[] | undefined>>,
  ): void {
    this.#hasBegun = true;
    if (status < 200) {
      if (++this.#informing > MAX_INFORMING)
        this.abandon(new Error(`more than ${MAX_INFORMING} responses of status 1xx came before the final one`));
      return;
    }
    // A coding could hide the deciding words, and undici decodes only `chunked`.
    const coding = codingOf(headers['content-encoding']);
    if (coding !== '' && coding !== 'identity')
      return this.abandon(new Error('the response is compressed, which was not requested'));
    const transferCoding = headers['transfer-encoding'];
    if (transferCoding !== undefined && codingOf(transferCoding) !== 'chunked')
      return this.abandon(new Error('the response has a Transfer-Encoding other than chunked'));
    if (Number(headers['content-length'] ?? 0) > MAX_RESPONSE_BYTES) return this.abandon(tooLong());
    this.#status = status;
    const hasLength = headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;
    this.#mayBeCutOff = !hasLength && status !== 204 && status !== 304;
  }

  onResponseData(_controller: Dispatcher.DispatchController, piece: Buffer): void {
    if (this.#hasEnded) return;
    this.#total += piece.length;
    if (this.#total > MAX_RESPONSE_BYTES) return this.abandon(tooLong());
    const kept = Math.min(MAX_KEPT_BYTES - this.#kept, piece.length);
    if (kept > 0) {
      this.#pieces.push(Buffer.from(piece.subarray(0, kept)));
      this.#kept += kept;
    }
    if (kept < piece.length) this.#drop(piece.subarray(kept));
  }

  onResponseEnd(): void {
    if (this.#isReused && this.#status === REQUEST_TIMEOUT) return this.#end({ kind: 'lost' });
    // undici treats a response that ends with its connection as complete even if the connection was
    // reset.
    const broken = this.#mayBeCutOff ? this.carrier?.error : undefined;
    if (broken !== undefined) return this.#end({ kind: 'failed', error: broken });
    if (this.carrier !== undefined) this.carrier.responses++;
    const body = Buffer.concat(this.#pieces).toString('utf8');
    const response: HttpResponse = {
      status: this.#status,
      body,
      isTruncated: this.#long !== undefined,
      word: this.#long?.word,
      mayBeCutOff: this.#mayBeCutOff,
    };
    this.#end({ kind: 'responded', response });
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#end(this.#isReused && !this.#hasBegun ? { kind: 'lost' } : { kind: 'failed', error });
  }

  get #isReused(): boolean {
    return this.carrier !== undefined && this.carrier.responses > 0;
  }

  #drop(bytes: Buffer): void {
    if (this.#long === undefined) {
      this.#long = new LongBody();
      for (const piece of this.#pieces) this.#long.push(piece);
    }
    this.#long.push(bytes);
  }

  #end(ending: Ending): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#pieces = [];
    this.#ended(ending);
  }
}

/** The value of one header; repeated values are joined by commas. */
const codingOf = (value: string | readonly string[] = ''): string => String(value).trim().toLowerCase();

const tooLong = (): Error => new Error(`the response is longer than ${MAX_RESPONSE_BYTES} bytes`);
