import { setTimeout as delay } from 'node:timers/promises';
import type { CoordinatorClient, SessionRow } from './coordinator-client.ts';

const EVERY_MS = 100;

/** The coordinator to query, and whether a query makes sense now. */
export interface Watched {
  readonly probe: CoordinatorClient;
  readonly isPaused: boolean;
}

/**
 * A session that was observed in a store. The clock of the store may be wrong: if the stated start
 * is impossible, `startedAtMs` is the last time at which the session certainly did not exist.
 */
export interface SeenSession extends SessionRow {
  /** It was seen for the first time then. */
  readonly seenAtMs: number;
  /**
   * The time by which the session no longer existed, or, if it still exists, the last time it was
   * observed; by the clock of this machine.
   */
  readonly untilMs: number;
}

/**
 * Remembers every session that a store was seen to have: which node opened it, and how long it was
 * there.
 */
export class SessionWatch {
  readonly #seen = new Map<string, SeenSession>();
  readonly #gone = new Set<string>();
  #lastPolledAtMs = -Infinity;
  #polls = 0;
  readonly #stop = new AbortController();
  readonly #polling: Promise<unknown>;

  constructor(nodes: readonly Watched[]) {
    this.#polling = Promise.all(nodes.map((node) => this.#poll(node)));
  }

  /** Number of lists of sessions that were seen. */
  get polls(): number {
    return this.#polls;
  }

  /** In the order in which they were seen. */
  get seen(): readonly SeenSession[] {
    return [...this.#seen.values()];
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#polling;
  }

  #note(rows: readonly SessionRow[], polledAtMs: number): void {
    const there = new Set(rows.map(({ session }) => session));
    for (const seen of this.#seen.values()) {
      // A session opened since the query was sent cannot be among the rows.
      if (this.#gone.has(seen.session) || Math.min(seen.startedAtMs, seen.seenAtMs) > polledAtMs) continue;
      this.#seen.set(seen.session, { ...seen, untilMs: Date.now() });
      if (!there.has(seen.session)) this.#gone.add(seen.session);
    }
    for (const row of rows) {
      if (this.#seen.has(row.session)) continue;
      const seenAtMs = Date.now();
      const isPossible = row.startedAtMs >= this.#lastPolledAtMs && row.startedAtMs <= seenAtMs;
      const startedAtMs = isPossible ? row.startedAtMs : Math.max(0, this.#lastPolledAtMs);
      this.#seen.set(row.session, { ...row, startedAtMs, seenAtMs, untilMs: seenAtMs });
    }
    this.#lastPolledAtMs = Math.max(this.#lastPolledAtMs, polledAtMs);
    this.#polls++;
  }

  async #poll(node: Watched): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const polledAtMs = Date.now();
      const rows = node.isPaused ? undefined : await node.probe.sessions();
      if (rows !== undefined) this.#note(rows, polledAtMs);
      await delay(EVERY_MS);
    }
  }
}
