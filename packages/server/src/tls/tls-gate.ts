import { constants, type X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import { createServer, type SecureContextOptions, type Server, type TLSSocket } from 'node:tls';
import type { Log } from '../logs/log.ts';
import { type Refusal, refuse, type Served } from './refusal.ts';
import { TLS_SETTINGS } from './tls-settings.ts';

/** What a server presents, and whom it trusts. */
export interface ServerTls {
  readonly context: SecureContextOptions;
  /** Which clients need a certificate: none, those that present one, or all. */
  readonly clientAuth: 'none' | 'optional' | 'required';
}

export interface TlsGateOptions {
  readonly served: Served;
  readonly log: Log;
  readonly tls: ServerTls;
  /** Called after each handshake that failed. */
  readonly failed?: () => void;
}

interface Handshake {
  readonly raw: Socket;
  readonly timer: NodeJS.Timeout;
  readonly accepted: (socket: Socket) => void;
}

const keyOf = ({ remoteAddress, remotePort }: Socket): string | undefined =>
  remoteAddress === undefined ? undefined : `${remoteAddress} ${remotePort}`;

/** The first byte of a TLS connection: a record of the handshake. */
const HANDSHAKE = 0x16;
const PLAIN: Refusal = {
  code: 'invalid',
  reason: 'this port serves TLS; use https:// (gRPC: a channel with TLS)',
};
const NO_CERTIFICATE =
  'a client certificate is required (--tls-client-auth required); specify one: commands with --cert-file and --key-file, the SDK with tls: { cert, key }';

/**
 * Turns accepted connections into TLS connections. Owns the handshakes in progress: each is bounded
 * in time, and all of them in number.
 *
 * A client without TLS, and one whose certificate is not accepted, receives the reason in its
 * protocol. Nothing of a request is read before.
 */
export class TlsGate {
  readonly #options: TlsGateOptions;
  readonly #server: Server;
  /** By the client's address and port; the oldest first. */
  readonly #pending = new Map<string, Handshake>();

  constructor(options: TlsGateOptions) {
    this.#options = options;
    const { served, tls } = options;
    // It never listens: the sockets come from the server of the port.
    this.#server = createServer({
      ...contextOf(tls),
      requestCert: tls.clientAuth !== 'none',
      // `#secured` decides, so that the client receives the reason.
      rejectUnauthorized: false,
      ALPNProtocols: served === 'http' ? ['http/1.1'] : ['h2'],
      handshakeTimeout: TLS_SETTINGS.handshakeTimeoutMs,
    });
    this.#server.on('secureConnection', (socket) => this.#secured(socket));
    this.#server.on('tlsClientError', (error, socket) => this.#failed(error, socket));
  }

  /** New connections use these certificates; open ones are not affected. */
  use(tls: ServerTls): void {
    // Sessions of the previous certificates and authorities cannot be resumed: each context has
    // its own keys.
    this.#server.setSecureContext(contextOf(tls));
  }

  /** Calls `accepted` with the connection after its handshake. */
  enter(raw: Socket, accepted: (socket: Socket) => void): void {
    const key = keyOf(raw);
    // The client has already disconnected.
    if (key === undefined) return void raw.destroy();
    const [oldest] = this.#pending.values();
    if (this.#pending.size >= TLS_SETTINGS.maxHandshakes) oldest?.raw.destroy();
    const timer = setTimeout(() => raw.destroy(), TLS_SETTINGS.handshakeTimeoutMs);
    const handshake = { raw, timer, accepted };
    this.#pending.set(key, handshake);
    raw
      .on('error', () => undefined)
      .once('close', () => {
        if (this.#pending.get(key) === handshake) this.#take(key);
      });
    raw.once('data', (first: Buffer) => {
      raw.pause();
      raw.unshift(first);
      if (first[0] === HANDSHAKE) return void this.#server.emit('connection', raw);
      this.#take(key);
      this.#options.failed?.();
      refuse(raw, this.#options.served, PLAIN);
    });
  }

  /** Ends the handshakes in progress. */
  close(): void {
    for (const { raw } of this.#pending.values()) raw.destroy();
  }

  #take(key: string): Handshake | undefined {
    const handshake = this.#pending.get(key);
    clearTimeout(handshake?.timer);
    this.#pending.delete(key);
    return handshake;
  }

  #secured(socket: TLSSocket): void {
    const handshake = this.#take(keyOf(socket) ?? '');
    if (handshake === undefined) return void socket.destroy();
    const fault = this.#faultOf(socket);
    if (fault === undefined) return handshake.accepted(socket);
    this.#options.failed?.();
    this.#options.log.debug({ client: socket.remoteAddress, reason: fault }, 'a client certificate was rejected');
    refuse(socket, this.#options.served, { code: 'unauthenticated', reason: fault });
  }

  /** Why a client is rejected. */
  #faultOf(socket: TLSSocket): string | undefined {
    const { clientAuth } = this.#options.tls;
    if (clientAuth === 'none') return undefined;
    // Read first: to Node, a client without one is authorized if it resumes a session of TLS 1.3.
    const certificate = socket.getPeerX509Certificate();
    if (certificate === undefined) return clientAuth === 'required' ? NO_CERTIFICATE : undefined;
    const fault = socket.authorized ? faultOfTime(certificate) : String(socket.authorizationError);
    return fault && `the client certificate is not accepted: ${fault}`;
  }

  #failed(error: Error, socket: TLSSocket): void {
    this.#options.failed?.();
    const code = 'code' in error ? String(error.code) : error.name;
    this.#options.log.debug({ client: socket.remoteAddress, reason: code }, 'a TLS handshake failed');
    socket.destroy();
  }
}

/** A resumed session has the result of its first handshake, before the certificate expired. */
const faultOfTime = ({ validTo }: X509Certificate): string | undefined =>
  Date.parse(validTo) < Date.now() ? 'CERT_HAS_EXPIRED' : undefined;

const contextOf = ({ context }: ServerTls): SecureContextOptions => ({
  ...context,
  minVersion: TLS_SETTINGS.minVersion,
  // A client could make the server compute handshakes over one connection.
  secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
  // Distinguishes sessions with verified client certificates from those of other servers.
  sessionIdContext: 'holdfast',
});
