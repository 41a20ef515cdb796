import type { Pattern, ResultKind, Status } from '@holdfast/protocol';

/**
 * Notified of the engine's events, for metrics. Called on the hot path: implementations should only
 * count.
 */
export interface EngineObserver {
  /** A branch or a client responded. */
  branchResponded(pattern: Pattern, result: ResultKind, durationMs: number): void;
  /** A batch of writes to the store ended. */
  batchWritten(items: number, durationMs: number, ok: boolean): void;
  /** A transaction finished. `durationMs`: time since its creation. */
  transactionFinished(pattern: Pattern, status: Status, durationMs: number): void;
  transactionAccepted(pattern: Pattern): void;
  /** Due transactions were claimed from the store. */
  claimed(count: number): void;
  /** Work of silent nodes was released. */
  tookOver(count: number): void;
  /**
   * The store had lost acknowledged writes, of this number of transactions in progress on this
   * node.
   */
  storeWentBack(transactions: number): void;
  /** A write lost against another one (its version was stale). */
  conflicted(): void;
  alerted(): void;
}

/** Observes nothing. */
export const NO_OBSERVER: EngineObserver = {
  branchResponded() {},
  batchWritten() {},
  transactionFinished() {},
  transactionAccepted() {},
  claimed() {},
  tookOver() {},
  storeWentBack() {},
  conflicted() {},
  alerted() {},
};
