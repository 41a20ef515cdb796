import type { Duplex } from 'node:stream';
import type pg from 'pg';

/** What `pg` has, and its types lack. */
interface Internals {
  readonly connection: {
    readonly stream: Duplex;
    attachListeners(stream: Pick<Duplex, 'on'>): void;
  };
}

const internals = (client: pg.Client): Internals['connection'] => (client as unknown as Internals).connection;

/**
 * Turns an exception in the handler of received bytes into an error of the connection. `pg` decodes
 * them in the socket's `data` event, where nothing else catches one: a value that is too long for a
 * text, or a message that is not of the protocol, would end the process. Call it before `connect`.
 */
export function containExceptions(client: pg.Client): void {
  const connection = internals(client);
  const attach = connection.attachListeners.bind(connection);
  connection.attachListeners = (stream: Duplex) => {
    const on = (event: string, listener: (...args: unknown[]) => void): Duplex =>
      stream.on(event, (...args: unknown[]) => {
        try {
          listener(...args);
        } catch (thrown) {
          stream.destroy(thrown instanceof Error ? thrown : new Error(String(thrown)));
        }
      });
    attach({ on } as Pick<Duplex, 'on'>);
  };
}

/** Closes the socket at once, whatever the server does. Pending queries reject. */
export const destroy = (client: pg.Client): void => void internals(client).stream.destroy();
