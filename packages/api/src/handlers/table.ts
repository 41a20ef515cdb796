import { setImmediate as nextTurn } from 'node:timers/promises';
import type {
  CallContext,
  Coordinator,
  LivingNodes,
  NodeLoad,
  PassOutcome,
  TransactionInput,
  TransactionQuery,
  TransactionView,
} from '@holdfast/core';
import type { KeyValue, Page, StoreCapabilities, StoreCounts } from '@holdfast/core/store';
import { FEW } from '../reading/in-turns.ts';
import type { Acceptance } from './acceptance.ts';

/**
 * One operation of the coordinator, independent of transport and wire. Errors are `HoldfastError`.
 */
export type Handler<Input, Output> = (context: CallContext, input: Input) => Output | Promise<Output>;

type Asked<Method extends keyof Coordinator> =
  Parameters<Coordinator[Method]> extends [unknown, infer Input] ? Input : never;

/**
 * All operations: REST, JSON-RPC and `/api/v1` only decode requests and encode results for this
 * table.
 */
export interface Handlers {
  readonly newGid: Handler<void, string>;
  readonly prepare: Handler<TransactionInput, TransactionView>;
  readonly submit: Handler<TransactionInput, PassOutcome>;
  readonly submitPrepared: Handler<Asked<'submitPrepared'>, TransactionView>;
  readonly finishWorkflow: Handler<Asked<'finishWorkflow'>, TransactionView>;
  readonly abort: Handler<Asked<'abort'>, TransactionView>;
  readonly registerBranch: Handler<Asked<'registerBranch'>, void>;
  readonly prepareWorkflow: Handler<TransactionInput, TransactionView>;
  readonly parkWorkflow: Handler<Asked<'parkWorkflow'>, TransactionView>;
  readonly heartbeat: Handler<string, void>;
  /** Interval at which the client of a workflow should send heartbeats, in ms. */
  readonly heartbeatPeriodMs: (workflow: TransactionView) => number;
  readonly forceStop: Handler<Asked<'forceStop'>, TransactionView>;
  readonly retryNow: Handler<string, TransactionView>;
  readonly retryWaiting: Handler<Asked<'retryWaiting'>, { readonly count: number; readonly more: boolean }>;
  readonly get: Handler<string, TransactionView | undefined>;
  readonly list: Handler<TransactionQuery, Page<TransactionView>>;
  readonly assertMayWait: Handler<string, void>;
  readonly wait: Handler<{ readonly gid: string; readonly timeoutMs: number }, TransactionView>;
  readonly subscribe: Handler<Asked<'subscribe'>, void>;
  readonly unsubscribe: Handler<Asked<'unsubscribe'>, void>;
  readonly deleteTopic: Handler<string, void>;
  readonly scanKeyValues: Handler<Asked<'scanKeyValues'>, Page<KeyValue>>;
  readonly queryKeyValue: Handler<Asked<'queryKeyValue'>, KeyValue | undefined>;
  readonly nodes: Handler<void, LivingNodes>;
  readonly status: Handler<void, NodeReport>;
  readonly ready: Handler<void, void>;
}

/** A node's status report. */
export interface NodeReport {
  readonly version: string;
  readonly node: string;
  readonly uptimeMs: number;
  readonly store: StoreCapabilities;
  readonly load: NodeLoad;
  readonly counts: StoreCounts;
}

export interface HandlerDependencies {
  readonly coordinator: Coordinator;
  readonly acceptance: Acceptance;
  readonly store: StoreCapabilities;
  readonly version: string;
  readonly node: string;
  readonly uptimeMs: () => number;
}

/**
 * Checking a transaction of a thousand steps takes about as long as storing it: other events are
 * handled in between.
 */
const isLong = ({ steps }: TransactionInput): boolean => (steps?.length ?? 0) > FEW;

/**
 * Creates the table that all transports share. Acceptance rules are applied here, so they are the
 * same for every transport.
 */
export function createHandlers({
  coordinator,
  acceptance,
  store,
  version,
  node,
  uptimeMs,
}: HandlerDependencies): Handlers {
  return {
    newGid: () => coordinator.newGid(),
    prepare: (context, input) => {
      const accepted = acceptance.transaction(input);
      return isLong(input)
        ? nextTurn().then(() => coordinator.prepare(context, accepted))
        : coordinator.prepare(context, accepted);
    },
    submit: (context, input) => {
      const accepted = acceptance.transaction(input);
      return isLong(input)
        ? nextTurn().then(() => coordinator.submit(context, accepted))
        : coordinator.submit(context, accepted);
    },
    submitPrepared: (context, input) => coordinator.submitPrepared(context, input),
    finishWorkflow: (context, input) => coordinator.finishWorkflow(context, input),
    abort: (context, input) => coordinator.abort(context, input),
    registerBranch: (context, input) => {
      acceptance.registrations(input.gid, input.pattern, input.branches);
      return coordinator.registerBranch(context, input);
    },
    prepareWorkflow: (context, input) => coordinator.prepareWorkflow(context, acceptance.transaction(input)),
    parkWorkflow: (context, input) => coordinator.parkWorkflow(context, input),
    heartbeat: (context, gid) => coordinator.heartbeat(context, gid),
    heartbeatPeriodMs: (workflow) => coordinator.heartbeatPeriodMs(workflow),
    forceStop: (context, stop) => coordinator.forceStop(context, stop),
    retryNow: (context, gid) => coordinator.retryNow(context, gid),
    retryWaiting: (context, input) => coordinator.retryWaiting(context, input),
    get: (context, gid) => coordinator.get(context, gid),
    list: (context, query) => coordinator.list(context, { ...query, limit: acceptance.pageSize(query.limit) }),
    assertMayWait: (_, gid) => coordinator.assertMayWait(gid),
    wait: (context, { gid, timeoutMs }) => coordinator.wait(context, gid, timeoutMs),
    subscribe: (context, input) => {
      acceptance.subscriber(input.url);
      return coordinator.subscribe(context, input);
    },
    unsubscribe: (context, input) => coordinator.unsubscribe(context, input),
    deleteTopic: (context, topic) => coordinator.deleteTopic(context, topic),
    scanKeyValues: (context, query) =>
      coordinator.scanKeyValues(context, { ...query, limit: acceptance.pageSize(query.limit) }),
    queryKeyValue: (context, query) => coordinator.queryKeyValue(context, query),
    nodes: (context) => coordinator.nodes(context),
    status: async (context) => ({
      version,
      node,
      uptimeMs: uptimeMs(),
      store,
      load: coordinator.load(),
      counts: await coordinator.counts(context),
    }),
    ready: () => coordinator.ready(),
  };
}
