import type { Clock, Logger } from '../environment.ts';
import { type Store, StoreError } from '../store.ts';

interface WritePathDependencies {
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Names this node in the value that a probe writes. */
  readonly node: string;
}

type State =
  /** No batch was written yet, or none for a long time. */
  | { readonly kind: 'untried' }
  | { readonly kind: 'working'; readonly atMs: number }
  | { readonly kind: 'failing'; readonly sinceMs: number; readonly error: StoreError };

/** After this time without a batch, what the last one showed counts no more. */
const STALE_MS = 60_000;
/** How often refused batches are logged at most. */
const LOG_EVERY_MS = 10_000;
/** Written by a probe; its category is no topic's. */
const PROBE = { namespace: 'default', category: 'readiness', key: 'probe' };
/** An update of this transaction takes the way of every batch. */
const PROBE_GID = '.readiness-probe';
/** No record has this version, so the update changes nothing, even if a client has chosen that gid. */
const NO_VERSION = 0;

/**
 * Whether this node can write transactions, by what became of the batches. It owns no connection and starts nothing by
 * itself.
 *
 * W1  A batch that the store did not take makes the node not ready, until a batch or a probe was written.
 * W2  A probe is sent only when somebody asks and nothing recent shows the answer; one at a time.
 * W3  Refused batches are logged with their cause, at most once in ten seconds, and the end of the trouble once.
 */
export class WritePath {
  readonly #d: WritePathDependencies;
  #state: State = { kind: 'untried' };
  #probing: Promise<void> | undefined;
  #loggedAtMs = -Infinity;
  #unlogged = 0;

  constructor(dependencies: WritePathDependencies) {
    this.#d = dependencies;
  }

  /** A batch was written, or refused for what is in it. */
  succeeded(): void {
    const nowMs = this.#d.clock.monotonicMs();
    if (this.#state.kind === 'failing') {
      const forMs = Math.round(nowMs - this.#state.sinceMs);
      this.#d.logger.info({ forMs, refused: this.#unlogged }, 'the store takes batches again');
      this.#unlogged = 0;
      this.#loggedAtMs = -Infinity;
    }
    this.#state = { kind: 'working', atMs: nowMs };
  }

  /** The store did not take a batch of that many transactions. */
  failed(error: StoreError, items: number): void {
    const nowMs = this.#d.clock.monotonicMs();
    const sinceMs = this.#state.kind === 'failing' ? this.#state.sinceMs : nowMs;
    this.#state = { kind: 'failing', sinceMs, error };
    this.#unlogged++;
    if (nowMs - this.#loggedAtMs < LOG_EVERY_MS) return;
    this.#d.logger.warn(
      { code: error.code, error: error.message, transactions: items, batches: this.#unlogged },
      'the store does not take batches',
    );
    this.#loggedAtMs = nowMs;
    this.#unlogged = 0;
  }

  /** Resolves when transactions can be written; rejects with the error of the store when they cannot. */
  assertWritable(): Promise<void> {
    const state = this.#state;
    if (state.kind === 'working' && this.#d.clock.monotonicMs() - state.atMs < STALE_MS) return Promise.resolve();
    return (this.#probing ??= this.#probe().finally(() => (this.#probing = undefined)));
  }

  async #probe(): Promise<void> {
    const { store, node } = this.#d;
    try {
      // The connection of batches, and the privileges that they need.
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
      // A change that is made durable: a disk with room, memory, a server that is not read-only. Another node's is as good.
      const found = await store.kvGet(PROBE);
      await store.kvPut(PROBE, node, found?.version ?? 0);
      this.succeeded();
    } catch (thrown) {
      const error = thrown instanceof StoreError ? thrown : new StoreError('unavailable', String(thrown), thrown);
      this.failed(error, 0);
      throw error;
    }
  }
}
