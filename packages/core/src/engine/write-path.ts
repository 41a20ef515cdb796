import { logTextOfThrown } from '@holdfast/protocol';
import type { Clock, Logger } from '../environment.ts';
import { type Store, StoreError } from '../store/store.ts';

interface WritePathDependencies {
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Identifies this node in the value that a probe writes. */
  readonly node: string;
}

type State =
  /** No batch was written yet, or none for a long time. */
  | { readonly kind: 'untried' }
  | { readonly kind: 'working'; readonly atMs: number }
  | { readonly kind: 'failing'; readonly sinceMs: number; readonly error: StoreError };

/** After this time without a batch, the result of the last one no longer counts. */
const STALE_MS = 60_000;
/**
 * The node is not ready if the store has confirmed no write for this time, although one was tried.
 */
const UNCONFIRMED_MS = 5_000;
/**
 * How long a probe is awaited: short enough to report the cause before the server's health check
 * times out.
 */
const PROBE_MS = 1_500;
/**
 * Interval between the first two log lines about rejected batches; each further interval is twice
 * as long, up to the maximum.
 */
const LOG_EVERY_MS = 10_000;
const LOG_AT_LEAST_EVERY_MS = 300_000;
/** Written by a probe; its category is not used by topics. */
const PROBE = { namespace: 'default', category: 'readiness', key: 'probe' };
/** An update of this transaction takes the same path as every batch. */
const PROBE_GID = '.readiness-probe';
/**
 * No record has this version, so that the update changes nothing, even if a client has chosen that
 * gid.
 */
const NO_VERSION = 0;

/**
 * Whether this node can write transactions, judged by the results of its batches. Owns no
 * connection and starts nothing on its own.
 *
 * W1  A batch that the store did not accept makes the node not ready, until a batch or a probe was
 *     written. So does a batch that receives no response for `UNCONFIRMED_MS`.
 * W2  A probe is sent only on request and only if no recent batch shows the result; one at a time.
 * W3  Rejected batches are logged with their cause: the first at once, further ones with their
 *     number at intervals that double from ten seconds to five minutes, and the recovery once.
 */
export class WritePath {
  readonly #d: WritePathDependencies;
  #state: State = { kind: 'untried' };
  #probing: Promise<void> | undefined;
  /** When the first batch without a result was sent, on the monotonic clock. */
  #unconfirmedSinceMs: number | undefined;
  #nextLineAtMs = -Infinity;
  #intervalMs = LOG_EVERY_MS;
  #unlogged = 0;

  constructor(dependencies: WritePathDependencies) {
    this.#d = dependencies;
  }

  /** Notes that a batch is sent. */
  started(): void {
    this.#unconfirmedSinceMs ??= this.#d.clock.monotonicMs();
  }

  /**
   * Notes that the store rejected a batch for its contents, which proves nothing about other
   * writes.
   */
  rejected(): void {
    this.#unconfirmedSinceMs = undefined;
  }

  succeeded(): void {
    const nowMs = this.#d.clock.monotonicMs();
    this.#unconfirmedSinceMs = undefined;
    if (this.#state.kind === 'failing') {
      const forMs = Math.round(nowMs - this.#state.sinceMs);
      this.#d.logger.info({ forMs, refused: this.#unlogged }, 'the store accepts batches again');
      this.#unlogged = 0;
      this.#nextLineAtMs = -Infinity;
      this.#intervalMs = LOG_EVERY_MS;
    }
    this.#state = { kind: 'working', atMs: nowMs };
  }

  /** Notes that the store did not accept a batch of `items` transactions. */
  failed(error: StoreError, items: number): void {
    const nowMs = this.#d.clock.monotonicMs();
    this.#unconfirmedSinceMs = undefined;
    const sinceMs = this.#state.kind === 'failing' ? this.#state.sinceMs : nowMs;
    this.#state = { kind: 'failing', sinceMs, error };
    this.#unlogged++;
    if (nowMs < this.#nextLineAtMs) return;
    this.#d.logger.warn(
      { code: error.code, error: error.message, transactions: items, batches: this.#unlogged },
      'the store does not accept batches',
    );
    this.#nextLineAtMs = nowMs + this.#intervalMs;
    this.#intervalMs = Math.min(LOG_AT_LEAST_EVERY_MS, this.#intervalMs * 2);
    this.#unlogged = 0;
  }

  /** Resolves if transactions can be written; otherwise rejects with the store's error. */
  async assertWritable(): Promise<void> {
    const state = this.#state;
    const nowMs = this.#d.clock.monotonicMs();
    const isConfirmed = this.#unconfirmedSinceMs === undefined || nowMs - this.#unconfirmedSinceMs < UNCONFIRMED_MS;
    if (isConfirmed && state.kind === 'working' && nowMs - state.atMs < STALE_MS) return;
    // The probe may wait behind a batch that receives no response.
    await this.#within(PROBE_MS, this.#probeOnce());
  }

  /** Whether a probe, which changes no transaction, can be written now. */
  async takesWrites(): Promise<boolean> {
    try {
      await this.#probeOnce();
      return true;
    } catch {
      return false;
    }
  }

  #within(limitMs: number, probe: Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = this.#d.clock.setTimer(limitMs, () => reject(this.#unconfirmed()));
      void probe.then(resolve, reject).finally(() => timer.cancel());
    });
  }

  #unconfirmed(): StoreError {
    const sinceMs = this.#unconfirmedSinceMs ?? this.#d.clock.monotonicMs() - PROBE_MS;
    const forMs = Math.round(this.#d.clock.monotonicMs() - sinceMs);
    const before = this.#state.kind === 'failing' ? `; before that: ${this.#state.error.message}` : '';
    return new StoreError('unavailable', `the store has not responded to a write for ${forMs} ms${before}`);
  }

  #probeOnce(): Promise<void> {
    return (this.#probing ??= this.#probe().finally(() => (this.#probing = undefined)));
  }

  async #probe(): Promise<void> {
    const { store, node } = this.#d;
    try {
      // Uses the connection of batches, and the privileges that they need.
      await store.write([
        {
          kind: 'update',
          key: { namespace: PROBE.namespace, gid: PROBE_GID },
          expectVersion: NO_VERSION,
          writeId: `probe of ${node}`,
          status: 'submitted',
          owner: null,
          dueInMs: null,
          attention: false,
          state: new Uint8Array(),
        },
      ]);
      // A durable change, which needs free disk space, memory, and a server that is not read-only.
      // A probe by another node counts as well.
      const found = await store.kvGet(PROBE);
      await store.kvPut(PROBE, node, found?.version ?? 0);
      this.succeeded();
    } catch (thrown) {
      const error =
        thrown instanceof StoreError ? thrown : new StoreError('unavailable', logTextOfThrown(thrown), thrown);
      this.failed(error, 0);
      throw error;
    }
  }
}
