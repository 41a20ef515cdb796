import type { Pattern, ResultKind, Status } from '@holdfast/protocol';

/** Told what the engine does, for metrics. Called in the hot path: implementations only count. */
export interface EngineObserver {
  /** A branch or a client answered. */
  branchAnswered(pattern: Pattern, result: ResultKind, durationMs: number): void;
  /** A batch of writes came back from the store. */
  batchWritten(items: number, durationMs: number, ok: boolean): void;
  /** A transaction took its final status. `durationMs` since its creation. */
  transactionFinished(pattern: Pattern, status: Status, durationMs: number): void;
  transactionAccepted(pattern: Pattern): void;
  /** Due transactions were claimed from the store. */
  claimed(count: number): void;
  /** Work of silent nodes was released. */
  tookOver(count: number): void;
  /** The store had lost acknowledged writes; of so many transactions that this node held. */
  storeWentBack(transactions: number): void;
  /** A write lost against another one (a stale version). */
  conflicted(): void;
  alerted(): void;
}

/** Observes nothing. */
export const NO_OBSERVER: EngineObserver = {
  branchAnswered() {},
  batchWritten() {},
  transactionFinished() {},
  transactionAccepted() {},
  claimed() {},
  tookOver() {},
  storeWentBack() {},
  conflicted() {},
  alerted() {},
};
