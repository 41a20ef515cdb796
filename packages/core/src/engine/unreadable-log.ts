import type { Clock, Logger } from '../environment.ts';

/** The time between two lines about the same record and cause. */
const INTERVAL_MS = 300_000;
/** Records that are remembered; beyond this number the one logged longest ago is forgotten. */
const MAX_RECORDS = 1_000;

interface Logged {
  readonly cause: string;
  readonly atMs: number;
}

/**
 * The log lines about records that cannot be read. Each read and each command meets such a record
 * again. A line is written the first time, for another cause, and when five minutes have passed
 * since the last line.
 */
export class UnreadableLog {
  readonly #d: { readonly clock: Clock; readonly logger: Logger };
  readonly #logged = new Map<string, Logged>();

  constructor(dependencies: { readonly clock: Clock; readonly logger: Logger }) {
    this.#d = dependencies;
  }

  /** Logs that the record of the run `id` cannot be read, unless that was logged recently. */
  met(id: string, gid: string, { message }: Error): void {
    const nowMs = this.#d.clock.monotonicMs();
    const last = this.#logged.get(id);
    if (last?.cause === message && nowMs - last.atMs < INTERVAL_MS) return;
    this.#logged.delete(id);
    this.#logged.set(id, { cause: message, atMs: nowMs });
    for (const oldest of this.#logged.keys()) {
      if (this.#logged.size <= MAX_RECORDS) break;
      this.#logged.delete(oldest);
    }
    this.#d.logger.error({ gid, error: message }, 'record cannot be decoded; the transaction needs operator attention');
  }
}
