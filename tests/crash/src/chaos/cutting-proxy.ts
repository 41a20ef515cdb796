import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { Moment, ReadMoment } from './moments.ts';

/**
 * A request that never arrives, a response that is carried out but never arrives, or one that
 * arrives in part.
 */
export type Cut = 'cut' | 'response lost' | 'response torn';

export interface CuttingProxyOptions {
  /** URL of the server. */
  readonly target: string;
  readonly newReader: () => ReadMoment;
  /** Whether and how the connection breaks at this request. */
  readonly choose: (moment: Moment) => Cut | undefined;
  readonly happened: (cut: Cut, moment: Moment) => void;
}

/** A way to a database on which connections break at chosen requests. */
export interface CuttingProxy {
  /** The server's URL, with the proxy's port. */
  readonly url: string;
  close(): Promise<void>;
}

/** Makes a proxy on a free port of the loopback. */
export async function cuttingProxy(options: CuttingProxyOptions): Promise<CuttingProxy> {
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (client) => {
    const { hostname, port } = new URL(options.target);
    const upstream = connect({ port: Number(port), host: hostname, noDelay: true });
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    }
    join(client, upstream, options);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const own = new URL(options.target);
  own.port = String((server.address() as AddressInfo).port);
  return {
    url: own.href,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

function join(client: Socket, upstream: Socket, { newReader, choose, happened }: CuttingProxyOptions): void {
  const read = newReader();
  let broken: { readonly cut: Cut; readonly moment: Moment } | undefined;
  const end = (): void => {
    client.destroy();
    upstream.destroy();
  };
  client.on('close', end);
  upstream.on('close', end);
  client.on('data', (bytes) => {
    const moment = read(bytes);
    const cut = moment === undefined || broken !== undefined ? undefined : choose(moment);
    if (moment !== undefined && cut !== undefined) broken = { cut, moment };
    if (cut !== 'cut') return void upstream.write(bytes);
    happened(cut, moment ?? 'begin');
    end();
  });
  upstream.on('data', (bytes) => {
    if (broken === undefined) return void client.write(bytes);
    if (broken.cut === 'response torn') client.write(bytes.subarray(0, Math.floor(bytes.length / 2)));
    happened(broken.cut, broken.moment);
    // What was written is sent before the end.
    client.end();
    upstream.destroy();
  });
}
