import type { Duplex } from 'node:stream';
import type pg from 'pg';
import { Frames } from './frames.ts';

/** Members of `pg` that its types lack. */
interface Internals {
  readonly connection: {
    readonly stream: Duplex;
    attachListeners(stream: Pick<Duplex, 'on'>): void;
  };
}

const internals = (client: pg.Client): Internals['connection'] => (client as unknown as Internals).connection;

/**
 * Turns an exception in the handler of received bytes into an error of the connection. `pg` decodes
 * bytes in the socket's `data` event, where exceptions are not caught: a value too long for a
 * string would terminate the process. The handler receives only complete and checked messages,
 * since `pg` blocks the process forever on some messages that violate the protocol. Call this
 * before `connect`.
 *
 * @param mostBytes the connection fails when the server has sent more in total
 */
export function containExceptions(client: pg.Client, mostBytes = Infinity): void {
  let bytes = 0;
  const receive = (frames: Frames, chunk: Buffer, listener: (messages: Buffer) => void): void => {
    bytes += chunk.length;
    if (bytes > mostBytes) throw new Error(`the server sent more than ${mostBytes} bytes`);
    frames.receive(chunk, listener);
  };
  const connection = internals(client);
  const attach = connection.attachListeners.bind(connection);
  connection.attachListeners = (stream: Duplex) => {
    const frames = new Frames();
    const on = (event: string, listener: (...args: unknown[]) => void): Duplex =>
      stream.on(event, (...args: unknown[]) => {
        const [chunk] = args;
        try {
          if (event === 'data') receive(frames, chunk as Buffer, listener);
          else listener(...args);
        } catch (thrown) {
          stream.destroy(thrown instanceof Error ? thrown : new Error(String(thrown)));
        }
      });
    attach({ on } as Pick<Duplex, 'on'>);
  };
}

/** Closes the socket at once, whatever the state of the server. Pending queries reject. */
export const destroy = (client: pg.Client): void => void internals(client).stream.destroy();
