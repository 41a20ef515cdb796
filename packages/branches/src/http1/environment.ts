import type { ConnectionOptions } from 'node:tls';
import type { Timer } from '@holdfast/core';
import type { Expiring } from '../event-loop/time-out-in-turns.ts';

/**
 * The environment of the HTTP client, which a simulation can replace. The client itself reads no
 * clock, sets no timer and opens no socket.
 */
export interface HttpEnvironment {
  readonly clock: HttpClock;
  readonly dialer: Dialer;
}

/** A timeout that has been started; only its clock knows what it is. */
export type Timeout = object;

/** Time for connections and calls. Starting a timeout of a call creates no other object. */
export interface HttpClock {
  /** Milliseconds on a clock that never goes backwards. */
  monotonicMs(): number;
  /** Calls `expiring.timeOut()` once after `delayMs`, some turns later if many expire together. */
  startTimeout(delayMs: number, expiring: Expiring): Timeout;
  cancelTimeout(timeout: Timeout): void;
  /** Runs `callback` once after `delayMs`. */
  setTimer(delayMs: number, callback: () => void): Timer;
  /** Runs `callback` every `intervalMs`; does not keep the process alive. */
  repeat(intervalMs: number, callback: () => void): Timer;
  /** Runs `callback` at the end of this turn, after the bytes that have arrived were delivered. */
  endOfTurn(callback: () => void): void;
  /** Number of turns whose ends were awaited: sockets are read between two counts. */
  turnsCounted(): number;
}

/** The remote end of a connection. */
export interface Endpoint {
  readonly isSecure: boolean;
  readonly host: string;
  readonly port: number;
}

/** The part of a `net.Socket` that the client uses. */
export interface HttpSocket {
  /** False as soon as the other side has ended the connection, or it is being closed. */
  readonly readable: boolean;
  readonly writable: boolean;
  /** Number of bytes written that have not been handed to the network. */
  readonly writableLength: number;
  write(bytes: Uint8Array): unknown;
  /** Closes the connection; `close` follows. */
  destroy(): unknown;
  on(event: 'error', listener: (error: Error) => void): this;
  once(event: ReadyEvent | 'close', listener: () => void): this;
  off(event: 'error' | 'close', listener: (error: Error) => void): this;
}

/** The event after which a connection can be used. */
export type ReadyEvent = 'connect' | 'secureConnect';

/** Opens connections to addresses. */
export interface Dialer {
  /**
   * Begins to connect. Throws if `tls` is invalid.
   *
   * @param received called with each piece that arrives; the piece is valid only during the call
   */
  open(endpoint: Endpoint, address: string, tls: ConnectionOptions, received: (piece: Buffer) => void): HttpSocket;
}
