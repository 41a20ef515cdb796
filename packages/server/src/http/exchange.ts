import type { Reply } from './reply.ts';

/** One request and the way back to who sent it. */
export interface Exchange {
  readonly method: string;
  /** Path and query, as they came. */
  readonly url: string;
  /** Its `Host`; undefined: it has none, as HTTP/1.0 allows. */
  readonly host: string | undefined;
  /** Whether a browser sent it. */
  readonly isFromBrowser: boolean;
  /** Why the request must not be served: a web page of another site had it sent. */
  readonly crossSiteFault: string | undefined;
  /** The body as text; `''` when there is none. Throws `too_large` beyond `maxBytes`, and `invalid` when the sender breaks off. */
  body(maxBytes: number): string | Promise<string>;
  /**
   * Sends the response; called once. `isLast`: the connection ends with it. Returns a promise that
   * resolves when the last part was sent, or the connection has closed; undefined for a body that
   * is one text.
   */
  send(reply: Reply, isLast: boolean): Promise<void> | undefined;
  /** Whether the sender has hung up. */
  readonly isGone: boolean;
  /** Calls `listener` when the sender hangs up. */
  onGone(listener: () => void): void;
}
