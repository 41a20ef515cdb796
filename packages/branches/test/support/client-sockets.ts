import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';

const CHANNEL = 'net.client.socket';

/** The sockets that this process opens as a client, those of its servers not included. */
export class ClientSockets implements Disposable {
  /** How many there were. */
  count = 0;
  readonly #unclosed = new Set<Socket>();
  readonly #onSocket = (message: unknown): void => {
    const { socket } = message as { readonly socket: Socket };
    this.count++;
    this.#unclosed.add(socket);
    socket.once('close', () => this.#unclosed.delete(socket));
  };

  constructor() {
    subscribe(CHANNEL, this.#onSocket);
  }

  /** The sockets that are neither closed nor being closed. */
  get open(): readonly Socket[] {
    return [...this.#unclosed].filter((socket) => !socket.destroyed);
  }

  [Symbol.dispose](): void {
    unsubscribe(CHANNEL, this.#onSocket);
  }
}
