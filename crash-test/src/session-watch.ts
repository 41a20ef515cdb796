import { setTimeout as delay } from 'node:timers/promises';
import type { CoordinatorClient, SessionRow } from './coordinator-client.ts';

const EVERY_MS = 100;

/** Whom to ask, and whether asking makes sense now. */
export interface Watched {
  readonly probe: CoordinatorClient;
  readonly isPaused: boolean;
}

/** Remembers every session that a store was seen to have: which node opened it, and when by the store's clock. */
export class SessionWatch {
  readonly #seen = new Map<string, SessionRow>();
  readonly #stop = new AbortController();
  readonly #asking: Promise<unknown>;

  constructor(nodes: readonly Watched[]) {
    this.#asking = Promise.all(nodes.map((node) => this.#ask(node)));
  }

  /** In the order in which they were seen. */
  get seen(): readonly SessionRow[] {
    return [...this.#seen.values()];
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#asking;
  }

  async #ask(node: Watched): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const rows = node.isPaused ? undefined : await node.probe.sessions();
      for (const row of rows ?? []) if (!this.#seen.has(row.session)) this.#seen.set(row.session, row);
      await delay(EVERY_MS);
    }
  }
}
