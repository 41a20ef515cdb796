import type { Reply } from './reply.ts';

/** Header fields that `RequestContext` reads, in lower case. */
export type CallField = 'traceparent' | 'tracestate';

/** A request and the means to respond to it. */
export interface Exchange {
  readonly method: string;
  /** Path and query, undecoded. */
  readonly url: string;
  /** The `Host` header; undefined if it is missing, as HTTP/1.0 allows. */
  readonly host: string | undefined;
  /**
   * The value of a header field that describes the call (see `CallField`); undefined if it is
   * missing or was sent more than once. Several `tracestate` fields are joined.
   */
  field(name: CallField): string | undefined;
  /** Whether a browser sent it. */
  readonly isFromBrowser: boolean;
  /** Why the request is rejected: a web page of another site caused it. */
  readonly crossSiteFault: string | undefined;
  /**
   * The body as text; `''` if there is none. Throws `too_large` beyond `maxBytes`, and `invalid` if
   * the sender aborts.
   */
  body(maxBytes: number): string | Promise<string>;
  /**
   * Sends the response; called once. `isLast`: the connection is closed after it. Returns a promise
   * that resolves when the last part was sent or the connection has closed; undefined for a body
   * that is one text.
   */
  send(reply: Reply, isLast: boolean): Promise<void> | undefined;
  /** Whether the client has disconnected. */
  readonly isGone: boolean;
  /** Calls `listener` when the client disconnects. */
  onGone(listener: () => void): void;
}
