import type { Clock, Logger } from '../environment.ts';
import { PacedWarning } from './paced-warning.ts';
import type { Run } from './run.ts';

/**
 * Runs whose records this session owns and the store returns without their bodies (R7). Logs them,
 * with the cause.
 */
export class UnreadRecords {
  readonly #runs = new Set<Run>();
  readonly #trouble: PacedWarning;

  constructor(dependencies: { readonly clock: Clock; readonly logger: Logger }) {
    const message = 'the store cannot return transactions of this node whole; they wait and are read again';
    this.#trouble = new PacedWarning(dependencies, message, 'the store returns all transactions of this node again');
  }

  has(run: Run): boolean {
    return this.#runs.has(run);
  }

  /** Notes that the record was read without its bodies. */
  add(run: Run, error: Error): void {
    this.#runs.add(run);
    this.#trouble.failed(error, { gid: run.key.gid, transactions: this.#runs.size });
  }

  /** Notes that the record was read whole, or that the run was discarded. */
  remove(run: Run): void {
    if (this.#runs.delete(run) && this.#runs.size === 0) this.#trouble.succeeded();
  }
}
