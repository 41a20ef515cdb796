import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';

/** Below the range that systems give to outgoing connections. */
const LOW = 15_000;
const HIGH = 30_000;

/**
 * A port that nobody listens on, outside the range of outgoing connections: while the coordinator is down, a client's own connection must
 * not take its port.
 */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const server = createServer();
    server.listen(LOW + Math.floor(Math.random() * (HIGH - LOW)), '127.0.0.1');
    const port = await Promise.race([
      once(server, 'listening').then(() => (server.address() as AddressInfo).port),
      once(server, 'error').then(() => undefined),
    ]);
    server.close();
    if (port !== undefined) return port;
  }
  throw new Error(`no free port between ${LOW} and ${HIGH}`);
}
