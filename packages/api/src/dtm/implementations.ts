import type {
  CallContext,
  CategoryKey,
  Coordinator,
  SubscribeInput,
  TransactionInput,
  TransactionQuery,
  UnsubscribeInput,
} from '@holdfast/core';
import { HoldfastError } from '@holdfast/protocol';
import { defined } from '../reading/defined.ts';
import { DEFAULT_PAGE_SIZE } from '../reading/query-reader.ts';
import type {
  DtmAbort,
  DtmKeyValueQuery,
  DtmNothing,
  DtmRegistration,
  DtmReset,
  DtmSubmission,
  DtmTransaction,
} from './inputs.ts';
import { type DtmOutcome, faultOf, outcomeOf, SUCCEEDED } from './outcome.ts';

export interface DtmServiceOptions {
  /** Usually an `AdmittedCoordinator`. */
  readonly coordinator: Coordinator;
  readonly version: string;
  /** Default of `resetCronTime` for requests without a time. */
  readonly defaultResetAfterMs: number;
  /** Intervals that responses show; those of the engine's defaults if absent. */
  readonly retry?: RetryPolicy;
}

/** The intervals of transactions that specify none, in ms. */
export interface RetryPolicy {
  readonly retryIntervalMs: number;
  readonly maxRetryIntervalMs: number;
}

const DEFAULT_RESET_LIMIT = 100;

/** What each call of dtm's wire does, without its interceptors; see `DTM_OPERATIONS`. */
export const dtmImplementations = (options: DtmServiceOptions) => ({
  ...transactions(options),
  ...operatorActions(options),
  ...queries(options),
  ...topics(options),
});

const transactions = ({ coordinator }: DtmServiceOptions) => ({
  async prepare(context: CallContext, input: TransactionInput): Promise<DtmOutcome> {
    await coordinator.prepare(context, input);
    return SUCCEEDED;
  },

  async submit(context: CallContext, submission: DtmSubmission): Promise<DtmOutcome> {
    if (submission.kind === 'transaction') {
      const { input } = submission;
      return outcomeOf(input.pattern, await coordinator.submit(context, input));
    }
    await coordinator.finishWorkflow(context, submission.end);
    return SUCCEEDED;
  },

  async abort(context: CallContext, abort: DtmAbort): Promise<DtmOutcome> {
    await coordinator.abort(context, abort);
    return SUCCEEDED;
  },

  /** A branch must not continue if its transaction does not exist: its client needs a FAILURE. */
  async registerBranch(context: CallContext, registration: DtmRegistration): Promise<DtmOutcome> {
    try {
      await coordinator.registerBranch(context, registration);
      return SUCCEEDED;
    } catch (thrown) {
      const error = HoldfastError.from(thrown);
      if (error.code !== 'not_found') throw error;
      return faultOf(error, 'FAILURE');
    }
  },

  /** Creates a workflow or finds it; resolves to its progress. */
  async prepareWorkflow(context: CallContext, input: TransactionInput) {
    return coordinator.prepareWorkflow(context, input);
  },
});

const operatorActions = ({ coordinator, defaultResetAfterMs }: DtmServiceOptions) => ({
  async forceStop(context: CallContext, { gid }: DtmTransaction): Promise<DtmOutcome> {
    await coordinator.forceStop(context, { gid, reason: '' });
    return SUCCEEDED;
  },

  async resetNextCronTime(context: CallContext, { gid }: DtmTransaction): Promise<DtmOutcome> {
    await coordinator.retryNow(context, gid);
    return SUCCEEDED;
  },

  async resetCronTime(context: CallContext, { timeoutSeconds, limit }: DtmReset) {
    return coordinator.retryWaiting(context, {
      laterThanMs: timeoutSeconds === undefined ? defaultResetAfterMs : timeoutSeconds * 1_000,
      limit: limit || DEFAULT_RESET_LIMIT,
    });
  },
});

const queries = ({ coordinator, version }: DtmServiceOptions) => ({
  async version(_context: CallContext, _input: DtmNothing): Promise<string> {
    return version;
  },

  async newGid(_context: CallContext, _input: DtmNothing): Promise<string> {
    return coordinator.newGid();
  },

  /** Resolves to undefined if there is no such transaction. */
  async query(context: CallContext, { gid }: DtmTransaction) {
    return coordinator.get(context, gid);
  },

  async all(context: CallContext, query: TransactionQuery) {
    return coordinator.list(context, query);
  },

  async scanKeyValues(context: CallContext, { category, cursor, limit }: DtmKeyValueQuery) {
    const after = defined({ cursor: cursor || undefined });
    return coordinator.scanKeyValues(context, { category, limit: limit || DEFAULT_PAGE_SIZE, ...after });
  },

  async queryKeyValue(context: CallContext, query: CategoryKey) {
    return coordinator.queryKeyValue(context, query);
  },
});

const topics = ({ coordinator }: DtmServiceOptions) => ({
  async subscribe(context: CallContext, input: SubscribeInput): Promise<DtmOutcome> {
    await coordinator.subscribe(context, input);
    return SUCCEEDED;
  },

  async unsubscribe(context: CallContext, input: UnsubscribeInput): Promise<DtmOutcome> {
    await coordinator.unsubscribe(context, input);
    return SUCCEEDED;
  },

  async deleteTopic(context: CallContext, { topic }: { readonly topic: string }): Promise<DtmOutcome> {
    await coordinator.deleteTopic(context, topic);
    return SUCCEEDED;
  },
});
