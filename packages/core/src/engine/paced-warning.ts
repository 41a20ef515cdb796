import { logTextOfThrown } from '@holdfast/protocol';
import type { Clock, Logger } from '../environment.ts';
import { StoreError } from '../store/store.ts';

const FIRST_INTERVAL_MS = 10_000;
const LONGEST_INTERVAL_MS = 300_000;

/** The failures of one cause since the first. */
interface Failing {
  readonly sinceMs: number;
  count: number;
  /** Failures that no log line has counted yet. */
  unlogged: number;
  nextLineAtMs: number;
  intervalMs: number;
}

/**
 * The log lines of one loop that uses the store. While the store is unavailable a loop fails
 * several times per second. The first failure of each cause is logged at once, further ones with
 * their number, at intervals that double up to five minutes, and the first success once. A cause is
 * the code of the error.
 */
export class PacedWarning {
  readonly #d: { readonly clock: Clock; readonly logger: Logger };
  readonly #message: string;
  readonly #again: string;
  readonly #causes = new Map<string, Failing>();

  /**
   * `message` describes the failure, such as `due transactions could not be claimed`; `again` its
   * end.
   */
  constructor(
    dependencies: { readonly clock: Clock; readonly logger: Logger },
    message: string,
    again = `works again: ${message}`,
  ) {
    this.#d = dependencies;
    this.#message = message;
    this.#again = again;
  }

  /** The loop failed; `fields` are added to the line, if one is logged. */
  failed(error: unknown, fields: Readonly<Record<string, unknown>> = {}): void {
    const { clock, logger } = this.#d;
    const nowMs = clock.monotonicMs();
    const cause = error instanceof StoreError ? error.code : 'other';
    let failing = this.#causes.get(cause);
    if (failing === undefined) {
      failing = { sinceMs: nowMs, count: 0, unlogged: 0, nextLineAtMs: nowMs, intervalMs: FIRST_INTERVAL_MS };
      this.#causes.set(cause, failing);
    }
    failing.count++;
    failing.unlogged++;
    if (nowMs < failing.nextLineAtMs) return;
    const counts = failing.count === 1 ? {} : { failures: failing.unlogged, sinceMs: nowMs - failing.sinceMs };
    logger.warn({ ...fields, error: logTextOfThrown(error), ...counts }, this.#message);
    failing.unlogged = 0;
    failing.nextLineAtMs = nowMs + failing.intervalMs;
    failing.intervalMs = Math.min(LONGEST_INTERVAL_MS, failing.intervalMs * 2);
  }

  /** The loop succeeded; `fields` are added to the line, if one is logged. */
  succeeded(fields: Readonly<Record<string, unknown>> = {}): void {
    if (this.#causes.size === 0) return;
    const all = [...this.#causes.values()];
    this.#causes.clear();
    const failures = all.reduce((sum, { count }) => sum + count, 0);
    const sinceMs = this.#d.clock.monotonicMs() - Math.min(...all.map((failing) => failing.sinceMs));
    this.#d.logger.info({ ...fields, failures, sinceMs }, this.#again);
  }
}
