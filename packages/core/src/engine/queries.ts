import { HoldfastError, isFinal } from '@holdfast/protocol';
import type { CallContext } from '../call-context.ts';
import type {
  CategoryKey,
  CategoryQuery,
  LivingNodes,
  TransactionQuery,
  TransactionView,
  WatchInput,
} from '../coordinator.ts';
import { STORE_LIMITS } from '../store/rules.ts';
import type { KeyValue, Page, StoreCounts } from '../store/store.ts';
import { acceptKeyText, acceptKnownGid } from './accept.ts';
import type { Admission } from './admission.ts';
import { unknownGid } from './errors.ts';
import { fromStore } from './from-store.ts';
import { listPage } from './lists.ts';
import { viewOf } from './records.ts';
import { idOf } from './run.ts';
import type { Parts } from './wiring.ts';

/**
 * What callers read: transactions, their ends, the store's key-values and counters. Has no state.
 */
export class Queries {
  readonly #p: Parts;
  readonly #admission: Admission;

  constructor(parts: Parts, admission: Admission) {
    this.#p = parts;
    this.#admission = admission;
  }

  async get(context: CallContext, gid: string): Promise<TransactionView | undefined> {
    this.#admission.assertInTime(context, gid);
    return this.read(context, gid);
  }

  /** Reads a transaction, whatever the caller's deadline. */
  async read(context: CallContext, gid: string): Promise<TransactionView | undefined> {
    acceptKnownGid(gid);
    const { store } = this.#p.dependencies;
    const [record] = await fromStore(() => store.get([{ namespace: context.namespace, gid }]));
    return record === undefined ? undefined : viewOf(record);
  }

  /** As `read`; throws `not_found` without a record. */
  async mustGet(context: CallContext, gid: string): Promise<TransactionView> {
    const view = await this.read(context, gid);
    if (view === undefined) throw unknownGid(gid);
    return view;
  }

  async list(context: CallContext, query: TransactionQuery): Promise<Page<TransactionView>> {
    this.#admission.assertInTime(context);
    if (query.gid !== undefined) acceptKnownGid(query.gid);
    return fromStore(() => listPage(this.#p.dependencies, context.namespace, query));
  }

  assertMayWait(gid: string): void {
    if (this.#p.waiters.count >= this.#p.options.maxWaiters)
      throw new HoldfastError('overloaded', 'too many callers wait for results; retry later', { gid });
  }

  async wait(context: CallContext, gid: string, timeoutMs: number): Promise<TransactionView> {
    this.#admission.assertInTime(context, gid);
    const { runs, waiters, options } = this.#p;
    const key = { namespace: context.namespace, gid };
    const drivenHere = timeoutMs > 0 && runs.registry.drives(idOf(key));
    if (!drivenHere) {
      const view = await this.mustGet(context, gid);
      if (isFinal(view.status) || timeoutMs <= 0) return view;
    }
    this.assertMayWait(gid);
    const waitMs = Math.min(timeoutMs, options.maxWaitMs, this.#admission.leftMs(context));
    const ended = waiters.wait(key, waitMs, context.signal);
    if (!drivenHere) {
      // The transaction may have become final between the read and the wait.
      const now = await this.mustGet(context, gid);
      if (isFinal(now.status)) {
        waiters.notify(idOf(key));
        return now;
      }
    }
    await ended;
    return this.mustGet(context, gid);
  }

  async *watch(context: CallContext, { transactions }: WatchInput): AsyncGenerator<TransactionView, void, undefined> {
    this.#admission.assertInTime(context);
    const keys = transactions.map(({ gid, afterVersion = 0 }) => {
      acceptKnownGid(gid);
      return { key: { namespace: context.namespace, gid }, afterVersion };
    });
    yield* this.#p.watchers.watch(keys, context);
  }

  async scanKeyValues(context: CallContext, query: CategoryQuery): Promise<Page<KeyValue>> {
    this.#admission.assertInTime(context);
    acceptKeyText(['category'], query.category, STORE_LIMITS.categoryLength);
    return fromStore(() => this.#p.dependencies.store.kvScan({ ...query, namespace: context.namespace }));
  }

  async queryKeyValue(context: CallContext, { category, key }: CategoryKey): Promise<KeyValue | undefined> {
    this.#admission.assertInTime(context);
    acceptKeyText(['category'], category, STORE_LIMITS.categoryLength);
    acceptKeyText(['key'], key, STORE_LIMITS.keyLength);
    return fromStore(() => this.#p.dependencies.store.kvGet({ namespace: context.namespace, category, key }));
  }

  counts(context: CallContext): Promise<StoreCounts> {
    return fromStore(() => this.#p.dependencies.store.count(context.namespace));
  }

  async nodes(): Promise<LivingNodes> {
    const sessions = await fromStore(() => this.#p.dependencies.store.sessions());
    return { nowMs: this.#p.session.nowMs(), sessions };
  }
}
