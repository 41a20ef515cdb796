import type { ClientCertificate } from '@holdfast/api';
import type { Reply } from './reply.ts';

/** Read only if the body has not arrived with the head. */
export interface BodyReceiver {
  /** By `performance.now()`. */
  readonly deadlineMs?: number | undefined;
  /** Called with the bytes of a body whose length was not announced, as they arrive. */
  readonly received?: ((bytes: number) => void) | undefined;
}

/** Header fields that `RequestContext` reads, in lower case. */
export type CallField = 'traceparent' | 'tracestate' | 'request-timeout-ms' | 'authorization' | 'holdfast-namespace';

/** The other end of a connection: the client, or the proxy before it. */
export interface Peer {
  readonly address: string;
  readonly port: number;
}

/** The peer of a socket. An IPv4 address that is mapped to IPv6 is given as IPv4. */
export function peerOf({ remoteAddress, remotePort }: PeerSocket): Peer | undefined {
  if (remoteAddress === undefined || remotePort === undefined) return undefined;
  return { address: remoteAddress.replace(/^::ffff:(?=[\d.]+$)/, ''), port: remotePort };
}

/** The part of a `net.Socket` that identifies the peer. */
export interface PeerSocket {
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
}

/** A request and the means to respond to it. */
export interface Exchange {
  readonly method: string;
  /** Path and query, undecoded. */
  readonly url: string;
  /** The `Host` header; undefined if it is missing, as HTTP/1.0 allows. */
  readonly host: string | undefined;
  /**
   * The value of a header field that describes the call (see `CallField`); undefined if it is
   * missing. Several values are joined, as a proxy may join them, except that several `traceparent`
   * fields count as none.
   */
  field(name: CallField): string | undefined;
  /**
   * The values of a header field, in the order of the request; empty if it is missing.
   *
   * @param name in lower case
   */
  header(name: string): readonly string[];
  /** Undefined once the connection is closed. */
  readonly peer: Peer | undefined;
  /** The verified certificate of the client. */
  readonly clientCertificate: ClientCertificate | undefined;
  readonly protocol: 'http/1.0' | 'http/1.1';
  /** Whether a browser sent it. */
  readonly isFromBrowser: boolean;
  /** Why the request is rejected: a web page of another site caused it. */
  readonly crossSiteFault: string | undefined;
  /**
   * The announced length of the body; 0 if it was not announced, there is none, or it is longer
   * than `maxBytes` and therefore not read.
   */
  announcedBytes(maxBytes: number): number;
  /**
   * The body as text; `''` if there is none. Throws `too_large` beyond `maxBytes`, and `invalid` if
   * the sender aborts.
   *
   * @param call the promise rejects with `deadline_exceeded` if the body has not arrived at the
   *   deadline of this call
   */
  body(maxBytes: number, call: BodyReceiver): string | Promise<string>;
  /**
   * Sends the response; called once. `isLast`: the connection is closed after it. Returns a promise
   * that resolves when the last part was sent or the connection has closed; undefined for a body
   * that is not a stream.
   */
  send(reply: Reply, isLast: boolean): Promise<void> | undefined;
  /** Whether the client has disconnected. */
  readonly isGone: boolean;
  /** Calls `listener` when the client disconnects. */
  onGone(listener: () => void): void;
}
