import type {
  BranchRegistration,
  CallContext,
  Coordinator,
  TransactionInput,
  TransactionQuery,
  TransactionView,
} from '@holdfast/core';
import type { KeyValue, Page } from '@holdfast/core/store';
import { HoldfastError, type Pattern } from '@holdfast/protocol';
import { defined } from '../reading/defined.ts';
import { DEFAULT_PAGE_SIZE } from '../reading/query-reader.ts';
import { type DtmOutcome, faultOf, outcomeOf, SUCCEEDED } from './outcome.ts';

/** The purpose of a `submit`: for a workflow to finish it, otherwise to start a transaction. */
export type DtmSubmission =
  | { readonly kind: 'transaction'; readonly input: TransactionInput }
  | { readonly kind: 'workflow-end'; readonly end: DtmWorkflowEnd };

export interface DtmWorkflowEnd {
  readonly gid: string;
  readonly status: 'succeed' | 'failed';
  readonly rollbackReason: string;
  /** Base64. */
  readonly result: string;
}

export interface DtmAbort {
  readonly gid: string;
  readonly pattern?: Pattern;
  readonly reason: string;
  /** The caller waits for a full pass of cancels or rollbacks. */
  readonly waitResult: boolean;
}

export interface DtmRegistration {
  readonly gid: string;
  readonly pattern: Pattern;
  readonly branches: readonly BranchRegistration[];
}

export interface DtmReset {
  /** Undefined: the default. */
  readonly timeoutSeconds: number | undefined;
  /** Undefined or 0: the default. */
  readonly limit: number | undefined;
}

export interface DtmKeyValueQuery {
  readonly category: string;
  readonly cursor: string;
  /** Undefined or 0: the default. */
  readonly limit: number | undefined;
}

export interface DtmServiceOptions {
  /** Usually an `AdmittedCoordinator`. */
  readonly coordinator: Coordinator;
  readonly version: string;
  /** Default of `resetCronTime` for requests without a time. */
  readonly defaultResetAfterMs: number;
}

const DEFAULT_RESET_LIMIT = 100;

/**
 * The calls of dtm's wire, independent of the transport: inputs are decoded, changes resolve to an
 * outcome in dtm's words, queries to views. REST, JSON-RPC and gRPC render the results. An error
 * that a call throws is a `HoldfastError`; `faultOfError` converts it to an outcome.
 */
export class DtmService {
  readonly version: string;
  readonly #coordinator: Coordinator;
  readonly #defaultResetAfterMs: number;

  constructor({ coordinator, version, defaultResetAfterMs }: DtmServiceOptions) {
    this.version = version;
    this.#coordinator = coordinator;
    this.#defaultResetAfterMs = defaultResetAfterMs;
  }

  async newGid(_context: CallContext): Promise<string> {
    return this.#coordinator.newGid();
  }

  async prepare(context: CallContext, input: TransactionInput): Promise<DtmOutcome> {
    await this.#coordinator.prepare(context, input);
    return SUCCEEDED;
  }

  async submit(context: CallContext, submission: DtmSubmission): Promise<DtmOutcome> {
    if (submission.kind === 'transaction') {
      const { input } = submission;
      return outcomeOf(input.pattern, await this.#coordinator.submit(context, input));
    }
    await this.#coordinator.finishWorkflow(context, submission.end);
    return SUCCEEDED;
  }

  async abort(context: CallContext, abort: DtmAbort): Promise<DtmOutcome> {
    await this.#coordinator.abort(context, abort);
    return SUCCEEDED;
  }

  /** A branch must not continue if its transaction does not exist: its client needs a FAILURE. */
  async registerBranch(context: CallContext, registration: DtmRegistration): Promise<DtmOutcome> {
    try {
      await this.#coordinator.registerBranch(context, registration);
      return SUCCEEDED;
    } catch (thrown) {
      const error = HoldfastError.from(thrown);
      if (error.code !== 'not_found') throw error;
      return faultOf(error, 'FAILURE');
    }
  }

  /** Creates a workflow or finds it; resolves to its progress. */
  async prepareWorkflow(context: CallContext, input: TransactionInput): Promise<TransactionView> {
    return this.#coordinator.prepareWorkflow(context, input);
  }

  async forceStop(context: CallContext, gid: string): Promise<DtmOutcome> {
    await this.#coordinator.forceStop(context, { gid, reason: '' });
    return SUCCEEDED;
  }

  async resetNextCronTime(context: CallContext, gid: string): Promise<DtmOutcome> {
    await this.#coordinator.retryNow(context, gid);
    return SUCCEEDED;
  }

  async resetCronTime(
    context: CallContext,
    { timeoutSeconds, limit }: DtmReset,
  ): Promise<{ readonly count: number; readonly more: boolean }> {
    return this.#coordinator.retryWaiting(context, {
      laterThanMs: timeoutSeconds === undefined ? this.#defaultResetAfterMs : timeoutSeconds * 1_000,
      limit: limit || DEFAULT_RESET_LIMIT,
    });
  }

  async query(context: CallContext, gid: string): Promise<TransactionView | undefined> {
    return this.#coordinator.get(context, gid);
  }

  async all(context: CallContext, query: TransactionQuery): Promise<Page<TransactionView>> {
    return this.#coordinator.list(context, query);
  }

  async scanKeyValues(context: CallContext, { category, cursor, limit }: DtmKeyValueQuery): Promise<Page<KeyValue>> {
    const after = defined({ cursor: cursor || undefined });
    return this.#coordinator.scanKeyValues(context, { category, limit: limit || DEFAULT_PAGE_SIZE, ...after });
  }

  async queryKeyValue(
    context: CallContext,
    query: { readonly category: string; readonly key: string },
  ): Promise<KeyValue | undefined> {
    return this.#coordinator.queryKeyValue(context, query);
  }

  async subscribe(
    context: CallContext,
    input: { readonly topic: string; readonly url: string; readonly remark: string },
  ): Promise<DtmOutcome> {
    await this.#coordinator.subscribe(context, input);
    return SUCCEEDED;
  }

  async unsubscribe(
    context: CallContext,
    input: { readonly topic: string; readonly url: string },
  ): Promise<DtmOutcome> {
    await this.#coordinator.unsubscribe(context, input);
    return SUCCEEDED;
  }

  async deleteTopic(context: CallContext, topic: string): Promise<DtmOutcome> {
    await this.#coordinator.deleteTopic(context, topic);
    return SUCCEEDED;
  }
}
