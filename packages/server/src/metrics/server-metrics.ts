import type { EngineObserver } from '@holdfast/core';
import type { CallName, CallResult } from '@holdfast/api';
import { type Pattern, PATTERNS, type ResultKind, RESULTS, type Status, STATUSES } from '@holdfast/protocol';
import { type CounterChild, counters, type Family, type HistogramChild, histograms } from './families.ts';
import { ResponseMetrics } from './response-metrics.ts';

const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;
const LONG_SECONDS = [0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60, 300, 3_600] as const;
const ITEMS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000] as const;

/** All metrics of a running coordinator. */
export class ServerMetrics implements EngineObserver {
  readonly #accepted = counters('holdfast_transactions_accepted_total', 'Transactions made durable', 'pattern');
  readonly #finished = counters(
    'holdfast_transactions_finished_total',
    'Transactions that reached a final status',
    'pattern',
    'status',
  );
  readonly #lifetime = histograms(
    'holdfast_transaction_seconds',
    'Time from creation to final status',
    LONG_SECONDS,
    'pattern',
  );
  readonly #results = counters(
    'holdfast_branch_results_total',
    'Results of calls to branches and clients',
    'pattern',
    'result',
  );
  readonly #calls = histograms(
    'holdfast_branch_call_seconds',
    'Duration of calls to branches and clients',
    SECONDS,
    'pattern',
  );
  readonly #writes = histograms('holdfast_store_write_seconds', 'Duration of batches of writes to the store', SECONDS);
  readonly #batches = histograms('holdfast_store_batch_items', 'Writes in one batch', ITEMS);
  readonly #failedWrites = counters('holdfast_store_write_failures_total', 'Batches that the store did not accept');
  readonly #conflicts = counters(
    'holdfast_write_conflicts_total',
    'Conditional writes that conflicted with another write',
  );
  readonly #claims = counters('holdfast_transactions_claimed_total', 'Due transactions claimed from the store');
  readonly #wentBack = counters(
    'holdfast_store_went_back_total',
    'Times the store was found to have lost acknowledged writes',
  );
  readonly #lost = counters(
    'holdfast_transactions_lost_by_store_total',
    'Transactions owned here whose acknowledged writes the store had lost',
  );
  readonly #takeovers = counters('holdfast_transactions_taken_over_total', 'Transactions released from silent nodes');
  readonly #alerts = counters('holdfast_alerts_total', 'Alerts raised for transactions that need operator attention');
  readonly #noRoom = counters(
    'holdfast_branch_no_room_total',
    'Calls that found no free connection to their destination',
  );
  readonly #tlsFailures = counters(
    'holdfast_tls_handshake_failures_total',
    'TLS handshakes of clients that failed, and client certificates that were not accepted',
  );
  /** When each certificate in use expires, in ms since the epoch; by its use. */
  readonly certificateExpiries = new Map<string, () => number | undefined>();
  readonly #failedLogins = counters(
    'holdfast_authentication_failures_total',
    'Requests without valid credentials',
    'reason',
  );
  readonly #limited = counters(
    'holdfast_limited_requests_total',
    'Requests that were rejected because of a limit of their principal',
    'limit',
  );
  /** Requests over HTTP. */
  readonly http = new ResponseMetrics(
    { requests: 'holdfast_http_requests_total', seconds: 'holdfast_http_request_seconds', labels: ['route', 'status'] },
    SECONDS,
  );
  /** Calls over gRPC. */
  readonly grpc = new ResponseMetrics(
    { requests: 'holdfast_grpc_requests_total', seconds: 'holdfast_grpc_request_seconds', labels: ['method', 'code'] },
    SECONDS,
  );
  readonly #operations = counters('holdfast_operations_total', 'Calls of operations', 'operation', 'result');
  readonly #operationTimes = histograms(
    'holdfast_operation_seconds',
    'Duration of operations, waits included',
    SECONDS,
    'operation',
  );

  /** Children for the hot path, looked up once. */
  readonly #acceptedOf = byKey(PATTERNS, (pattern) => this.#accepted.child({ pattern }));
  readonly #finishedOf = byKey(PATTERNS, (pattern) =>
    byKey(STATUSES, (status) => this.#finished.child({ pattern, status })),
  );
  readonly #lifetimeOf = byKey(PATTERNS, (pattern) => this.#lifetime.child({ pattern }));
  readonly #resultsOf = byKey(PATTERNS, (pattern) =>
    byKey(RESULTS, (result) => this.#results.child({ pattern, result })),
  );
  readonly #callsOf = byKey(PATTERNS, (pattern) => this.#calls.child({ pattern }));
  get counterFamilies(): readonly Family<CounterChild>[] {
    return [
      this.#accepted,
      this.#finished,
      this.#results,
      this.#failedWrites,
      this.#conflicts,
      this.#claims,
      this.#wentBack,
      this.#lost,
      this.#takeovers,
      this.#alerts,
      this.#noRoom,
      this.#tlsFailures,
      this.#failedLogins,
      this.#limited,
      this.http.requests,
      this.grpc.requests,
      this.#operations,
    ];
  }

  get histogramFamilies(): readonly Family<HistogramChild>[] {
    return [
      this.#lifetime,
      this.#calls,
      this.#writes,
      this.#batches,
      this.http.times,
      this.grpc.times,
      this.#operationTimes,
    ];
  }

  branchResponded(pattern: Pattern, result: ResultKind, durationMs: number): void {
    this.#resultsOf[pattern][result].add();
    this.#callsOf[pattern].observe(durationMs / 1_000);
  }

  batchWritten(items: number, durationMs: number, ok: boolean): void {
    this.#writes.child().observe(durationMs / 1_000);
    this.#batches.child().observe(items);
    if (!ok) this.#failedWrites.child().add();
  }

  transactionFinished(pattern: Pattern, status: Status, durationMs: number): void {
    this.#finishedOf[pattern][status].add();
    this.#lifetimeOf[pattern].observe(durationMs / 1_000);
  }

  transactionAccepted(pattern: Pattern): void {
    this.#acceptedOf[pattern].add();
  }

  claimed(count: number): void {
    this.#claims.child().add(count);
  }

  tookOver(count: number): void {
    this.#takeovers.child().add(count);
  }

  storeWentBack(transactions: number): void {
    this.#wentBack.child().add();
    this.#lost.child().add(transactions);
  }

  conflicted(): void {
    this.#conflicts.child().add();
  }

  alerted(): void {
    this.#alerts.child().add();
  }

  /** @param reason one of a few words */
  authenticationFailed(reason: string): void {
    this.#failedLogins.child({ reason }).add();
  }

  /** @param limit one of a few words */
  limited(limit: string): void {
    this.#limited.child({ limit }).add();
  }

  /** Calls were made to more destinations at once than have connections. */
  noRoomForDestination(): void {
    this.#noRoom.child().add();
  }

  tlsHandshakeFailed(): void {
    this.#tlsFailures.child().add();
  }

  /** Exposes when a certificate expires; `use` is `server` or `branches`. */
  certificateExpires(use: 'server' | 'branches', expiresMs: () => number | undefined): void {
    this.certificateExpiries.set(use, expiresMs);
  }

  /**
   * Returns the function that counts the calls of one operation. The labels are bounded by the
   * numbers of operations and error codes.
   */
  operation(operation: CallName): (result: CallResult, durationMs: number) => void {
    const times = this.#operationTimes.child({ operation });
    const counts = new Map<CallResult, CounterChild>();
    return (result, durationMs) => {
      times.observe(durationMs / 1_000);
      let count = counts.get(result);
      if (count === undefined) {
        count = this.#operations.child({ operation, result });
        counts.set(result, count);
      }
      count.add();
    };
  }
}

const byKey = <Key extends string, Value>(
  keys: readonly Key[],
  make: (key: Key) => Value,
): Readonly<Record<Key, Value>> => Object.fromEntries(keys.map((key) => [key, make(key)])) as Record<Key, Value>;
