import type { Snapshot } from '@holdfast/server';

/** A worker that does not respond within this time is left out of a scrape. */
const TIMEOUT_MS = 1_500;

interface Round {
  readonly snapshots: Snapshot[];
  missing: number;
  readonly end: () => void;
}

/** Collects the metrics of all workers for one that is scraped. */
export class Gathering {
  readonly #rounds = new Map<number, Round>();
  #last = 0;

  /**
   * Calls each function of `requests` with the number of this round; resolves when all workers have
   * responded or the timeout has expired.
   */
  gather(requests: readonly ((round: number) => void)[]): Promise<readonly Snapshot[]> {
    const id = ++this.#last;
    return new Promise((resolve) => {
      const timer = setTimeout(() => round.end(), TIMEOUT_MS);
      const round: Round = {
        snapshots: [],
        missing: requests.length,
        end: () => {
          clearTimeout(timer);
          this.#rounds.delete(id);
          resolve(round.snapshots);
        },
      };
      this.#rounds.set(id, round);
      for (const one of requests) one(id);
      if (requests.length === 0) round.end();
    });
  }

  /** Adds a worker's response; a late one is dropped. */
  received(id: number, snapshot: Snapshot): void {
    const round = this.#rounds.get(id);
    if (round === undefined) return;
    round.snapshots.push(snapshot);
    if (--round.missing === 0) round.end();
  }
}
