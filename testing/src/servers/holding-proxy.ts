import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** The moment at which a connection is held. Bytes are matched as Latin-1. */
export interface Moment {
  readonly request: RegExp;
  /** By default the request itself is held; with this, the response to it that matches. */
  readonly response?: RegExp;
  /** How much of it passes before the connection is held. */
  readonly passes: 'half' | 'whole';
}

/** A proxy that can hold one connection in the middle of a request or a response. */
export interface HoldingProxy {
  /** The server's URL, with the proxy's port. */
  readonly url: string;
  /**
   * Resolves when a connection has reached the moment and is held: it stays open, and nothing
   * passes any more. `reached` is called before the last bytes pass.
   */
  holdAt(moment: Moment, reached: () => void): Promise<void>;
  /** Passes on what was held, and everything from now on. */
  release(): void;
  close(): Promise<void>;
}

interface Waiting extends Moment {
  readonly reached: () => void;
}

/** Creates a proxy on a free port of the loopback. */
export async function holdingProxy(target: string): Promise<HoldingProxy> {
  const to = new URL(target);
  const sockets = new Set<Socket>();
  const held: (() => void)[] = [];
  let waiting: Waiting | undefined;
  const proxy = createServer((client) => {
    const server = connect(Number(to.port), to.hostname);
    let requested = false;
    const relay = (from: Socket, other: Socket, isMoment: (text: string) => boolean): void => {
      sockets.add(from);
      from.on('error', () => undefined);
      from.on('close', () => {
        sockets.delete(from);
        other.destroy();
      });
      from.on('data', (bytes) => {
        if (isMoment(bytes.toString('latin1'))) hold(other, bytes);
        else other.write(bytes);
      });
    };
    const hold = (other: Socket, bytes: Buffer): void => {
      const passed = waiting?.passes === 'half' ? bytes.length >> 1 : bytes.length;
      // What arrives from now on is not read, so that the sender cannot send without limit either.
      client.pause();
      server.pause();
      held.push(() => {
        other.write(bytes.subarray(passed));
        client.resume();
        server.resume();
      });
      waiting?.reached();
      waiting = undefined;
      other.write(bytes.subarray(0, passed));
    };
    relay(client, server, (text) => {
      requested = waiting?.request.test(text) === true;
      return requested && waiting?.response === undefined;
    });
    relay(server, client, (text) => requested && waiting?.response?.test(text) === true);
  }).listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const own = new URL(target);
  own.port = String((proxy.address() as AddressInfo).port);
  return {
    url: own.href,
    holdAt: (moment, reached) =>
      new Promise((resolve) => {
        waiting = {
          ...moment,
          reached() {
            reached();
            resolve();
          },
        };
      }),
    release() {
      for (const pass of held.splice(0)) pass();
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      proxy.close();
      await once(proxy, 'close');
    },
  };
}
