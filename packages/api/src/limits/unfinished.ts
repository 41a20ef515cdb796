import type { CallContext } from '@holdfast/core';
import { acceptKnownGid, fromStore, idOf } from '@holdfast/core/engine';
import type { Store } from '@holdfast/core/store';
import {
  type CallerLimits,
  HoldfastError,
  isAnonymous,
  isFinal,
  type Principal,
  type Status,
} from '@holdfast/protocol';
import { type LimitKind, limitsOf } from './principal-limits.ts';

export interface UnfinishedOptions {
  /** The limits of principals without separate ones. */
  readonly defaults: CallerLimits;
  readonly store: Pick<Store, 'get' | 'versions'>;
  /** Called with each rejection. */
  readonly onLimited?: (limit: LimitKind) => void;
  /** Milliseconds of a monotonic clock. */
  readonly nowMs?: () => number;
}

/** What is known about a submission after it was carried out. */
export interface Submitted {
  readonly status: Status;
  readonly version?: number;
}

/** One counted transaction. */
interface Counted {
  readonly namespace: string;
  readonly gid: string;
  /** The version at which it was last known to be unfinished. */
  version: number | undefined;
  /** Whether its submission is in progress, so that it may not be stored yet. */
  isSubmitting: boolean;
}

/** The counted transactions of one principal, those checked least recently first. */
interface Quota {
  readonly principal: string;
  readonly counted: Map<string, Counted>;
  /** The check of the store that is in progress. */
  checking: Promise<void> | undefined;
  /** When the last check ended that found nothing finished. */
  fullSinceMs: number;
}

const UNLIMITED: CallerLimits = {};
/** Transactions that a node counts; the oldest are forgotten, so that memory is bounded. */
const MOST_COUNTED = 200_000;
/** Versions that one check reads, and records. Records may be long. */
const CHECKED_VERSIONS = 512;
const CHECKED_RECORDS = 32;
/** A quota that a check found full is not checked again earlier. */
const FULL_MS = 200;
const RETRY_AFTER_MS = 1_000;

/**
 * Bounds the unfinished transactions of each principal that this node has accepted.
 *
 * IF1  Only a new transaction is rejected, and nothing was done for it. A submission under a gid
 *      that exists is not new, and no other request is ever rejected.
 * IF2  A transaction is counted from its submission until this node learns that it is finished or
 *      does not exist: from the response, from its own write of the end (`finished`), or, before it
 *      rejects a submission, from the store. Other nodes may therefore finish a transaction, or
 *      take it over, without its being counted forever.
 * IF3  A transaction is counted once, for the principal that submitted it first.
 */
export class Unfinished {
  readonly #options: UnfinishedOptions;
  readonly #nowMs: () => number;
  /** By the ID of the principal; those without counted transactions are not in it. */
  readonly #quotas = new Map<string, Quota>();
  /** By the ID of the transaction. */
  readonly #quotaOf = new Map<string, Quota>();

  constructor(options: UnfinishedOptions) {
    this.#options = options;
    this.#nowMs = options.nowMs ?? (() => performance.now());
  }

  /** How many transactions are counted for a principal. */
  countOf({ id }: Pick<Principal, 'id'>): number {
    return this.#quotas.get(id)?.counted.size ?? 0;
  }

  /** Called with the ID (`idOf`) of a finished transaction, whether or not it is counted. */
  finished(id: string): void {
    this.#remove(id);
  }

  /**
   * Submits a transaction that may be new.
   *
   * @param submit not called if the submission is rejected
   * @throws {HoldfastError} `too_many_requests`, or `unavailable` if the store cannot be read
   */
  async submit<T>(
    context: CallContext,
    gid: string,
    submit: () => Promise<T>,
    seen: (result: T) => Submitted,
  ): Promise<T> {
    const { principal, namespace } = context;
    const { inFlight: limit = 0 } = isAnonymous(principal) ? UNLIMITED : limitsOf(this.#options.defaults, principal);
    if (limit === 0) return submit();
    const one: Counted = { namespace, gid, version: undefined, isSubmitting: true };
    if (!(await this.#count(principal.id, one, limit))) return submit();
    const id = idOf({ namespace, gid });
    try {
      const result = await submit();
      const { status, version } = seen(result);
      one.version = version;
      if (isFinal(status)) this.#remove(id);
      return result;
    } catch (thrown) {
      // Unless the outcome is unknown, nothing new was stored.
      const { code } = HoldfastError.from(thrown);
      if (code !== 'unavailable' && code !== 'internal') this.#remove(id);
      throw thrown;
    } finally {
      one.isSubmitting = false;
    }
  }

  /**
   * Counts a transaction. Returns false if it is not counted for this submission: it is counted
   * already, or exists although there is no room.
   */
  async #count(principal: string, one: Counted, limit: number): Promise<boolean> {
    const id = idOf(one);
    if (this.#quotaOf.has(id)) return false;
    if (this.countOf({ id: principal }) >= limit) {
      acceptKnownGid(one.gid);
      const [version] = await this.#read((store) => store.versions([one]));
      if (version !== undefined) return false;
      await this.#check(principal);
      // Another request may have been faster.
      if (this.#quotaOf.has(id)) return false;
      if (this.countOf({ id: principal }) >= limit) throw this.#full(one.gid, limit);
    }
    this.#add(principal, id, one);
    return true;
  }

  #add(principal: string, id: string, one: Counted): void {
    let quota = this.#quotas.get(principal);
    if (quota === undefined) {
      quota = { principal, counted: new Map(), checking: undefined, fullSinceMs: -Infinity };
      this.#quotas.set(principal, quota);
    }
    quota.counted.set(id, one);
    this.#quotaOf.set(id, quota);
    const [oldest] = this.#quotaOf.keys();
    if (this.#quotaOf.size > MOST_COUNTED && oldest !== undefined) this.#remove(oldest);
  }

  #remove(id: string): void {
    const quota = this.#quotaOf.get(id);
    if (quota === undefined) return;
    this.#quotaOf.delete(id);
    quota.counted.delete(id);
    if (quota.counted.size === 0) this.#quotas.delete(quota.principal);
  }

  /** Removes what other nodes have finished; concurrent calls share a check. */
  async #check(principal: string): Promise<void> {
    const quota = this.#quotas.get(principal);
    if (quota === undefined) return;
    if (quota.checking === undefined) {
      if (this.#nowMs() - quota.fullSinceMs < FULL_MS) return;
      quota.checking = this.#checkSome(quota).finally(() => (quota.checking = undefined));
    }
    await quota.checking;
  }

  async #checkSome(quota: Quota): Promise<void> {
    const { counted } = quota;
    const before = counted.size;
    const some = [...counted].filter(([, { isSubmitting }]) => !isSubmitting).slice(0, CHECKED_VERSIONS);
    const versions = await this.#read((store) => store.versions(some.map(([, one]) => one)));
    const changed: Seen[] = [];
    for (const [index, [id, one]] of some.entries()) {
      const version = versions[index];
      if (version === undefined) this.#remove(id);
      else if (version === one.version) toEnd(counted, id, one);
      else if (changed.length < CHECKED_RECORDS) changed.push({ id, one, version });
    }
    const records = changed.length === 0 ? [] : await this.#read((store) => store.get(changed.map(({ one }) => one)));
    for (const [index, { id, one, version }] of changed.entries()) {
      const record = records[index];
      if (record === undefined || isFinal(record.status)) this.#remove(id);
      else {
        one.version = version;
        toEnd(counted, id, one);
      }
    }
    if (counted.size === before) quota.fullSinceMs = this.#nowMs();
  }

  #read<T>(read: (store: UnfinishedOptions['store']) => Promise<T>): Promise<T> {
    return fromStore(() => read(this.#options.store));
  }

  #full(gid: string, limit: number): HoldfastError {
    this.#options.onLimited?.('in_flight');
    return new HoldfastError(
      'too_many_requests',
      `the caller has ${limit} unfinished transactions, which is its limit on this node; repeat the request when some have finished`,
      { gid, retryAfterMs: RETRY_AFTER_MS },
    );
  }
}

interface Seen {
  readonly id: string;
  readonly one: Counted;
  readonly version: number;
}

/** Moves an entry behind the others, unless it was removed since. */
function toEnd(counted: Map<string, Counted>, id: string, one: Counted): void {
  if (counted.delete(id)) counted.set(id, one);
}
