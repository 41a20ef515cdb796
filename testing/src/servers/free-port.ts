import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below the range that systems use for outgoing connections. */
const LOW = 15_000;
const HIGH = 30_000;
const ATTEMPTS = 100;

/**
 * A free TCP port of the loopback, outside the range of outgoing connections: until it is used, and
 * while its server is down, no client connection can take it.
 */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const port = LOW + Math.floor(Math.random() * (HIGH - LOW));
    const probe = createServer().listen(port, '127.0.0.1');
    const isFree = await new Promise<boolean>((resolve) => {
      probe.once('listening', () => resolve(true)).once('error', () => resolve(false));
    });
    if (!isFree) continue;
    probe.close();
    await once(probe, 'close');
    return port;
  }
  throw new Error(`no free port between ${LOW} and ${HIGH}`);
}
