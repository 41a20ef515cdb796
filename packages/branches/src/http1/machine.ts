import net from 'node:net';
import tls from 'node:tls';
import { atEndOfTurn, turnsCounted } from '../event-loop/end-of-turn.ts';
import { systemClock } from '../event-loop/system-clock.ts';
import { timeOutInTurns } from '../event-loop/time-out-in-turns.ts';
import type { Dialer, HttpClock, HttpEnvironment } from './environment.ts';

/** The machine's time, in which timeouts that expire together are handled in slices. */
const machineClock: HttpClock = {
  monotonicMs: () => performance.now(),
  startTimeout: (delayMs, expiring) => setTimeout(timeOutInTurns, delayMs, expiring),
  cancelTimeout: (timeout) => clearTimeout(timeout as NodeJS.Timeout),
  setTimer: (delayMs, callback) => systemClock.setTimer(delayMs, callback),
  repeat: (intervalMs, callback) => {
    const interval = setInterval(callback, intervalMs).unref();
    return { cancel: () => clearInterval(interval) };
  },
  endOfTurn: atEndOfTurn,
  turnsCounted,
};

/**
 * All connections read into this buffer in turn: a piece is parsed at once, and kept bytes are
 * copied.
 */
const READ_BUFFER = Buffer.allocUnsafeSlow(64 * 1024);

/** Sockets of the machine. They read without a stream in between: a response costs one call. */
const machineDialer: Dialer = {
  open: ({ isSecure, port }, address, tlsOptions, received) => {
    const callback = (length: number): boolean => {
      received(READ_BUFFER.subarray(0, length));
      return true;
    };
    const options = { host: address, port, onread: { buffer: READ_BUFFER, callback } };
    return isSecure
      ? tls.connect({ ...tlsOptions, ...options }).setNoDelay(true)
      : net.connect({ ...options, noDelay: true });
  },
};

/** The machine's clock and network. */
export const machine: HttpEnvironment = { clock: machineClock, dialer: machineDialer };
