import type { ServerHttp2Session } from 'node:http2';
import { GRPC_SERVER_SETTINGS } from './grpc-settings.ts';

/** The highest ID of a stream: with it, GOAWAY only requests that the client leave. */
const LAST_STREAM = 2 ** 31 - 1;

/** One connection of a client, and whether the client still responds to pings. */
export class GrpcConnection {
  readonly session: ServerHttp2Session;
  #respondedMs = performance.now();
  #pingedMs: number | undefined;

  constructor(session: ServerHttp2Session) {
    this.session = session;
  }

  /** Requests that the client open another connection for further calls. */
  requestLeave(): void {
    // A session that the client has ended takes no frames, although its socket may be open.
    if (!this.session.destroyed) this.session.goaway(0, LAST_STREAM);
  }

  /** Sends a ping when it is due; ends a connection that did not respond to the last one. */
  check(nowMs: number): void {
    const { keepAliveMs, keepAliveTimeoutMs } = GRPC_SERVER_SETTINGS;
    if (this.session.destroyed) return;
    if (this.#pingedMs !== undefined) {
      if (nowMs - this.#pingedMs > keepAliveTimeoutMs) this.session.destroy();
      return;
    }
    if (nowMs - this.#respondedMs < keepAliveMs) return;
    const isSent = this.session.ping((error) => {
      if (error !== null) return;
      this.#pingedMs = undefined;
      this.#respondedMs = performance.now();
    });
    if (isSent) this.#pingedMs = nowMs;
  }
}
