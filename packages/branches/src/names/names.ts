import { textOfThrown } from '@holdfast/protocol';
import type { Resolved, ResolveName, Resolving } from './resolve-name.ts';

export interface NamesOptions {
  readonly resolve: ResolveName;
  readonly nowMs?: () => number;
  /** Maximum number of cached names. */
  readonly maxNames?: number;
}

const DEFAULT_MAX_NAMES = 1_024;
/** Bounds of the time for which addresses are kept, whatever the DNS server states. */
const MIN_KEEP_MS = 1_000;
const MAX_KEEP_MS = 30_000;
/** How long a failure is kept. */
const FAILURE_KEEP_MS = 1_000;

interface Entry {
  readonly resolving: Resolving;
  readonly addresses: Promise<readonly string[]>;
  /** Until when the result is used; infinite during the lookup. */
  untilMs: number;
}

/**
 * Resolves names: concurrent lookups of a name share one query, and its addresses, or the failure,
 * are cached briefly.
 */
export class Names {
  readonly #resolve: ResolveName;
  readonly #nowMs: () => number;
  readonly #maxNames: number;
  /** In the order of their last lookup. */
  readonly #entries = new Map<string, Entry>();

  constructor({ resolve, nowMs, maxNames }: NamesOptions) {
    this.#resolve = resolve;
    this.#nowMs = nowMs ?? performance.now.bind(performance);
    this.#maxNames = maxNames ?? DEFAULT_MAX_NAMES;
  }

  /**
   * Resolves to at least one address, in the order in which to try them. Rejects with an error that
   * names the name.
   */
  lookUp(name: string): Promise<readonly string[]> {
    const known = this.#entries.get(name);
    if (known !== undefined && known.untilMs > this.#nowMs()) return known.addresses;
    const entry = this.#start(name);
    this.#entries.delete(name);
    this.#entries.set(name, entry);
    if (this.#entries.size > this.#maxNames) this.#forgetOldest();
    return entry.addresses;
  }

  /**
   * Drops addresses that could not be used, so that the name is looked up again. A lookup in
   * progress is not repeated.
   */
  forget(name: string): void {
    const entry = this.#entries.get(name);
    if (entry !== undefined && entry.untilMs !== Infinity) this.#entries.delete(name);
  }

  /** Current number of cached names. */
  get size(): number {
    return this.#entries.size;
  }

  /** Cancels the lookups in progress. */
  close(): void {
    for (const { resolving, untilMs } of this.#entries.values()) {
      if (untilMs === Infinity) resolving.cancel();
    }
    this.#entries.clear();
  }

  #start(name: string): Entry {
    const resolving = this.#resolve(name);
    const addresses = resolving.result.then(
      (found) => {
        entry.untilMs = this.#nowMs() + keepMsOf(found);
        return found.addresses;
      },
      (error: unknown) => {
        entry.untilMs = this.#nowMs() + FAILURE_KEEP_MS;
        throw lookupError(name, error);
      },
    );
    // A failed lookup that no connection waits for must not become an unhandled rejection.
    addresses.catch(() => undefined);
    const entry: Entry = { resolving, addresses, untilMs: Infinity };
    return entry;
  }

  #forgetOldest(): void {
    const [name, entry] = this.#entries.entries().next().value ?? [];
    if (name === undefined || entry === undefined) return;
    if (entry.untilMs === Infinity) entry.resolving.cancel();
    this.#entries.delete(name);
  }
}

const keepMsOf = ({ keepMs }: Resolved): number => Math.min(Math.max(keepMs, MIN_KEEP_MS), MAX_KEEP_MS);

function lookupError(name: string, error: unknown): Error {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const why = typeof code === 'string' ? code : textOfThrown(error);
  return new Error(`the address of ${name} was not found: ${why}`, { cause: error });
}
