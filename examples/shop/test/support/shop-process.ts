import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
const SHOP_PORTS = 6;

export interface Ports {
  readonly coordinator: number;
  readonly shop: number;
}

/** The demo as a newcomer runs it, in a separate process. */
export class ShopProcess {
  readonly ports: Ports;
  readonly #child: ChildProcess;
  readonly #changes = new EventEmitter();
  readonly #ended: Promise<number | null>;
  #text = '';

  constructor(folder: string, ports: Ports) {
    this.ports = ports;
    this.#child = spawn(process.execPath, [MAIN], {
      env: {
        PATH: process.env['PATH'],
        SHOP_DATA: folder,
        SHOP_PORT: String(ports.shop),
        HOLDFAST_HTTP_PORT: String(ports.coordinator),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (chunk: string) => {
        this.#text += chunk;
        this.#changes.emit('change');
      });
    }
    this.#ended = once(this.#child, 'close').then(([code]: (number | null)[]) => {
      this.#changes.emit('change');
      return code ?? null;
    });
  }

  /** Everything it printed. */
  get text(): string {
    return this.#text;
  }

  get counterUrl(): string {
    return `http://127.0.0.1:${this.ports.shop}`;
  }

  get coordinatorUrl(): string {
    return `http://127.0.0.1:${this.ports.coordinator}`;
  }

  /** Resolves when the demo has printed this; rejects when it exits before. */
  async printed(text: string): Promise<void> {
    while (!this.#text.includes(text)) {
      if (this.#child.exitCode !== null || this.#child.signalCode !== null) {
        throw new Error(`the demo ended without printing "${text}":\n${this.#text}`);
      }
      await once(this.#changes, 'change');
    }
  }

  /** Sends a signal; resolves to the exit code, or null if the signal itself ended the process. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    this.#child.kill(signal);
    return this.#ended;
  }

  ended(): Promise<number | null> {
    return this.#ended;
  }
}

/**
 * Seven consecutive free ports, below the range that systems assign to outgoing connections.
 */
export async function freePorts(): Promise<Ports> {
  for (;;) {
    const shop = 20_000 + Math.floor(Math.random() * 10_000);
    if (await allFree(shop, SHOP_PORTS + 1)) return { shop, coordinator: shop + SHOP_PORTS };
  }
}

async function allFree(first: number, count: number): Promise<boolean> {
  const servers: Server[] = [];
  try {
    for (let offset = 0; offset < count; offset++) servers.push(await listen(first + offset));
    return true;
  } catch {
    return false;
  } finally {
    await Promise.all(servers.map(close));
  }
}

export async function listen(port: number): Promise<Server> {
  const server = createServer();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

export const close = (server: Server): Promise<unknown> => new Promise((resolve) => server.close(resolve));
