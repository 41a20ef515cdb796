import type { Duplex } from 'node:stream';
import type pg from 'pg';
import { Frames } from './frames.ts';

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
 * text would end the process. The handler receives complete and checked messages only, since `pg`
 * blocks the process for good on some that are not of the protocol. Call it before `connect`.
 */
export function containExceptions(client: pg.Client): void {
  const connection = internals(client);
  const attach = connection.attachListeners.bind(connection);
  connection.attachListeners = (stream: Duplex) => {
    const frames = new Frames();
    const on = (event: string, listener: (...args: unknown[]) => void): Duplex =>
      stream.on(event, (...args: unknown[]) => {
        const [chunk] = args;
        try {
          if (event === 'data') frames.receive(chunk as Buffer, listener);
          else listener(...args);
        } catch (thrown) {
          stream.destroy(thrown instanceof Error ? thrown : new Error(String(thrown)));
        }
      });
    attach({ on } as Pick<Duplex, 'on'>);
  };
}

/** Closes the socket at once, whatever the server does. Pending queries reject. */
export const destroy = (client: pg.Client): void => void internals(client).stream.destroy();
