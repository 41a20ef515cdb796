import { isIP } from 'node:net';
import type { Timer } from '@holdfast/core';
import type { HttpClock, HttpSocket, ReadyEvent } from './environment.ts';

export interface DialOptions<S extends HttpSocket> {
  readonly clock: Pick<HttpClock, 'setTimer'>;
  readonly host: string;
  /** Resolves a name; addresses are used as they are. */
  readonly lookUp: (name: string) => Promise<readonly string[]>;
  /** Why no connection to an address may be opened; undefined if it may. */
  readonly faultOf?: ((address: string) => string | undefined) | undefined;
  /** Opens a connection to an address. */
  readonly open: (address: string) => S;
  readonly readyEvent: ReadyEvent;
  readonly connected: (socket: S) => void;
  /** No address could be connected to; called once, after `dial` has returned. */
  readonly failed: (error: Error) => void;
}

/** Delay after which the next address is tried in parallel (RFC 8305, 5). */
const NEXT_ADDRESS_MS = 250;
const MAX_ADDRESSES = 16;

/**
 * Connects to the first address of a host that accepts. An attempt continues when the next one
 * begins: a slow connection is still usable, and the caller decides on the timeout. Returns a
 * function that ends all attempts; neither callback is called afterwards.
 */
export function dial<S extends HttpSocket>(options: DialOptions<S>): () => void {
  const dialing = new Dialing(options);
  const { host, lookUp } = options;
  const addresses = isIP(host) === 0 ? lookUp(host) : Promise.resolve([host]);
  addresses.then(
    (found) => dialing.begin(found),
    (error: unknown) => dialing.end(error instanceof Error ? error : new Error(String(error))),
  );
  return () => dialing.cancel();
}

class Dialing<S extends HttpSocket> {
  readonly #options: DialOptions<S>;
  readonly #attempts = new Set<S>();
  readonly #errors: Error[] = [];
  #left: readonly string[] = [];
  #next: Timer | undefined;
  #isOver = false;

  constructor(options: DialOptions<S>) {
    this.#options = options;
  }

  begin(addresses: readonly string[]): void {
    this.#left = addresses.slice(0, MAX_ADDRESSES);
    this.#tryNext();
  }

  end(error: Error): void {
    if (this.#isOver) return;
    this.cancel();
    this.#options.failed(error);
  }

  cancel(): void {
    this.#isOver = true;
    this.#next?.cancel();
    for (const socket of this.#attempts) socket.destroy();
    this.#attempts.clear();
  }

  #tryNext(): void {
    this.#next?.cancel();
    if (this.#isOver) return;
    const [address, ...rest] = this.#left;
    if (address === undefined) {
      if (this.#attempts.size === 0) this.end(this.#failure());
      return;
    }
    this.#left = rest;
    if (rest.length > 0) this.#next = this.#options.clock.setTimer(NEXT_ADDRESS_MS, () => this.#tryNext());
    this.#attempt(address);
  }

  #attempt(address: string): void {
    const { faultOf, open, readyEvent, connected } = this.#options;
    // The address is the one that is connected to: no name is resolved in between.
    const fault = faultOf?.(address);
    if (fault !== undefined) {
      this.#errors.push(new Error(`not called: ${fault}`));
      return this.#tryNext();
    }
    let socket: S;
    try {
      socket = open(address);
    } catch (thrown) {
      // The TLS settings are invalid.
      return this.end(thrown instanceof Error ? thrown : new Error(String(thrown)));
    }
    this.#attempts.add(socket);
    const onError = (error: Error): void => {
      this.#errors.push(error);
    };
    const onClose = (): void => {
      if (this.#attempts.delete(socket)) this.#tryNext();
    };
    socket.on('error', onError);
    socket.once('close', onClose);
    socket.once(readyEvent, () => {
      socket.off('error', onError);
      socket.off('close', onClose);
      this.#attempts.delete(socket);
      this.cancel();
      connected(socket);
    });
  }

  #failure(): Error {
    const [first, ...more] = this.#errors;
    if (first === undefined) return new Error('not connected');
    return more.length === 0 ? first : new AggregateError(this.#errors);
  }
}
