import { Admission } from '@holdfast/api';
import { ConnectionPools, createBranchRegistry, LocalBranches } from '@holdfast/branches';
import type { TransactionInput } from '@holdfast/core';
import { checkImportedBranches, type ImportedTransaction, importedDefinition, notStarted } from '@holdfast/core/engine';
import type { BranchState, Definition, RegisteredBranch, State, Transaction } from '@holdfast/core/patterns';
import { BRANCH_STATUSES, DEFAULT_NAMESPACE, HoldfastError, type Pattern } from '@holdfast/protocol';
import { readTransactionOf } from '../dtm/read-transaction.ts';
import { type DtmBranch, type DtmContext, type DtmGlobal, NotImportable } from './dtm-records.ts';
import { opStateOf, pendingState, type Schedule } from './op-states.ts';
import { sagaState } from './saga-state.ts';
import { sagaSteps, messageSteps } from './steps.ts';

/** dtm's defaults, for transactions that specify neither. */
const RETRY_SECONDS = 10;
const TIMEOUT_SECONDS = 35;

/**
 * Converts transactions of dtm. Each is checked like the request of a client, so that none is
 * imported that could not be driven.
 */
export class DtmConverter {
  readonly #admission = new Admission(
    createBranchRegistry({ pools: new ConnectionPools(), locals: new LocalBranches() }),
  );

  /**
   * @param branches the rows of the transaction's branches, in the order in which dtm created them
   * @throws {NotImportable} with the reason
   */
  convert(global: DtmGlobal, branches: readonly DtmBranch[], context: DtmContext): ImportedTransaction {
    if (global.status === 'expired') throw new NotImportable('its data have expired in dtm');
    try {
      return this.#convert(global, branches, context);
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      const place = error.field === undefined ? '' : `${error.field.join('.')} `;
      throw new NotImportable(`${place}${error.message}`);
    }
  }

  #convert(global: DtmGlobal, rows: readonly DtmBranch[], context: DtmContext): ImportedTransaction {
    const { nowMs } = context;
    const wire = { ...textFields(global), ...optionsOf(global) };
    const steps =
      global.transType === 'saga' ? sagaSteps(rows) : global.transType === 'msg' ? messageSteps(rows) : undefined;
    const input = readTransactionOf(
      { ...wire, steps: steps?.map(({ step: { action, compensate } }) => ({ action, compensate })) },
      steps?.map(({ payload }) => payload) ?? [],
    );
    this.#admission.transaction(input, DEFAULT_NAMESPACE);
    for (const { step, payload } of steps ?? [])
      step.subscribers?.forEach((url) => this.#admission.subscriber(url, DEFAULT_NAMESPACE, { ...input, payload }));
    const accepted = importedDefinition(input);
    const definition = steps === undefined ? accepted : { ...accepted, steps: steps.map(({ step }) => step) };
    const registered = this.#registered(input, definition, rows, nowMs);
    const key = { namespace: DEFAULT_NAMESPACE, gid: global.gid };
    const fresh = notStarted(key, definition, registered, nowMs);
    const ops = fresh.branches.map(({ branchId, op }) => opStateOf(rowOf(rows, branchId, op)));
    const facts: Facts = { global, fresh, ops, nowMs, schedule: scheduleOf(global, definition, nowMs), context };
    const { dueInMs = 0, ...state } = STATES[definition.pattern](facts);
    return {
      key,
      definition: { ...definition, ...(global.createdAtMs !== null && { startedAtMs: global.createdAtMs }) },
      registered,
      state: { ...fresh.state, ...state, timeline: timelineOf(facts, state.status) },
      dueInMs,
    };
  }

  #registered(
    input: TransactionInput,
    definition: Definition,
    rows: readonly DtmBranch[],
    nowMs: number,
  ): readonly RegisteredBranch[] {
    const { gid } = input;
    const { pattern } = definition;
    if (pattern === 'saga' || pattern === 'msg') return [];
    const registered = rows.map(({ branchId, op, url, data, status, createdAtMs }) => {
      const known = BRANCH_STATUSES.find((one) => one === status);
      if (known === undefined) throw new NotImportable(`${op} of branch ${branchId} has the unknown status ${status}`);
      const registration = { branchId, op, url, payload: data, createdAtMs: createdAtMs ?? nowMs };
      return { ...registration, status: pattern === 'workflow' ? known : ('prepared' as const) };
    });
    this.#admission.registrations(gid, DEFAULT_NAMESPACE, pattern, registered, input);
    checkImportedBranches(gid, definition, registered);
    return registered;
  }
}

interface Facts {
  readonly global: DtmGlobal;
  readonly fresh: Transaction;
  readonly ops: readonly BranchState[];
  readonly nowMs: number;
  readonly schedule: Schedule;
  readonly context: DtmContext;
}

type NewState = Partial<State> & Pick<State, 'status'> & { readonly dueInMs?: number | null };

const STATES: Readonly<Record<Pattern, (facts: Facts) => NewState>> = {
  saga(facts) {
    const { global, fresh, ops, nowMs, schedule, context } = facts;
    expectStatus(global, ['prepared', 'submitted', 'aborting']);
    const { resultsMayBeMissing } = context;
    const state = sagaState({ global, definition: fresh.definition, ops, resultsMayBeMissing, nowMs, schedule });
    return { ...state, ...timesOf(facts, state.status), dueInMs: state.status === 'prepared' ? null : dueIn(facts) };
  },

  msg(facts) {
    const { global, fresh, ops, nowMs, schedule } = facts;
    const { options, queryPrepared } = fresh.definition;
    const createdAtMs = global.createdAtMs ?? nowMs;
    if (global.status === 'prepared') {
      if (queryPrepared === '')
        throw new NotImportable('it is prepared and has no query_prepared; submit it or abort it in dtm');
      const timeoutMs = options.timeoutToFailMs || TIMEOUT_SECONDS * 1000;
      const nextCheckAtMs = Math.max(createdAtMs + timeoutMs, schedule.nextAttemptAtMs, nowMs);
      const { failures: checkFailures } = schedule;
      return { status: 'prepared', branches: ops, nextCheckAtMs, checkFailures, dueInMs: nextCheckAtMs - nowMs };
    }
    expectStatus(global, ['prepared', 'submitted']);
    const deliverAtMs = options.delayMs === 0 ? 0 : createdAtMs + options.delayMs;
    const notBeforeMs = deliverAtMs > nowMs ? deliverAtMs : 0;
    const next = ops.findIndex(({ status }) => status !== 'succeed');
    const branches = ops.map((op, i) =>
      op.status === 'prepared' && notBeforeMs === 0 && (options.concurrent || i === next)
        ? pendingState(op, schedule)
        : op,
    );
    return {
      status: 'submitted',
      branches,
      notBeforeMs,
      ...timesOf(facts, 'submitted'),
      dueInMs: notBeforeMs === 0 ? dueIn(facts) : notBeforeMs - nowMs,
    };
  },

  tcc: (facts) => twoPhase(facts, { onSubmit: 'confirm', onAbort: 'cancel', newestFirst: true }),
  xa: (facts) => twoPhase(facts, { onSubmit: 'commit', onAbort: 'rollback', newestFirst: false }),

  workflow(facts) {
    const { global, schedule, nowMs } = facts;
    expectStatus(global, ['prepared']);
    const nextCheckAtMs = Math.max(schedule.nextAttemptAtMs, nowMs);
    const { failures: checkFailures } = schedule;
    return { status: 'prepared', nextCheckAtMs, checkFailures, dueInMs: nextCheckAtMs - nowMs };
  },
};

interface Phases {
  readonly onSubmit: string;
  readonly onAbort: string;
  readonly newestFirst: boolean;
}

function twoPhase(facts: Facts, { onSubmit, onAbort, newestFirst }: Phases): NewState {
  const { global, fresh, ops, schedule, nowMs } = facts;
  expectStatus(global, ['prepared', 'submitted', 'aborting']);
  const foreign = fresh.branches.find(({ op }) => op !== onSubmit && op !== onAbort);
  if (foreign !== undefined) throw new NotImportable(`branch ${foreign.branchId} has the op ${foreign.op}`);
  for (const { branchId } of fresh.branches)
    for (const op of [onSubmit, onAbort])
      if (!fresh.branches.some((one) => one.branchId === branchId && one.op === op))
        throw new NotImportable(`branch ${branchId} has no ${op}`);
  const { timeoutToFailMs } = fresh.definition.options;
  const isLate =
    global.status === 'prepared' && timeoutToFailMs > 0 && nowMs >= (global.createdAtMs ?? nowMs) + timeoutToFailMs;
  const status = isLate ? 'aborting' : (global.status as State['status']);
  const rollbackReason = isLate ? `Timeout after ${timeoutToFailMs / 1000} seconds` : global.rollbackReason;
  if (status === 'prepared') return { status, branches: ops, rollbackReason, dueInMs: 0 };
  const wanted = status === 'submitted' ? onSubmit : onAbort;
  const isOpen = (index: number): boolean => fresh.branches[index]?.op === wanted && ops[index]?.status === 'prepared';
  const open = [...ops.keys()].filter(isOpen);
  const next = newestFirst ? open.at(-1) : open[0];
  const branches = ops.map((op, i) => (i === next && !isLate ? pendingState(op, schedule) : op));
  const dueInMs = isLate ? 0 : dueIn(facts);
  return { status, branches, rollbackReason, ...timesOf(facts, status), dueInMs };
}

function expectStatus({ status }: DtmGlobal, known: readonly string[]): void {
  if (!known.includes(status)) throw new NotImportable(`its status is ${JSON.stringify(status)}`);
}

/** When it was submitted or aborted: dtm keeps the time of the last change only. */
function timesOf({ global, nowMs }: Facts, status: State['status']): Pick<State, 'submittedAtMs' | 'rollbackAtMs'> {
  const atMs = Math.min(global.updatedAtMs ?? nowMs, nowMs);
  return { submittedAtMs: status === 'submitted' ? atMs : 0, rollbackAtMs: status === 'aborting' ? atMs : 0 };
}

const dueIn = ({ schedule, nowMs }: Facts): number => Math.max(0, schedule.nextAttemptAtMs - nowMs);

/**
 * The time of dtm's next attempt. It is at most one interval away: the time in dtm's row may be in
 * another time zone than that of the database.
 */
function scheduleOf(
  { nextCronAtMs, nextCronIntervalSeconds }: DtmGlobal,
  { options }: Definition,
  nowMs: number,
): Schedule {
  const { retryIntervalMs, timeoutToFailMs } = options;
  const short = timeoutToFailMs > 0 && timeoutToFailMs < RETRY_SECONDS * 1000 ? timeoutToFailMs : RETRY_SECONDS * 1000;
  const plainMs = retryIntervalMs > 0 ? retryIntervalMs : short;
  const intervalMs = Math.max(0, nextCronIntervalSeconds * 1000);
  const failures = intervalMs > plainMs ? Math.min(30, Math.round(Math.log2(intervalMs / plainMs))) : 0;
  const next = Math.min(nextCronAtMs ?? nowMs, nowMs + intervalMs);
  return { nextAttemptAtMs: next > nowMs ? next : 0, failures };
}

/**
 * The history, as far as dtm keeps it. A message, a TCC and an XA begin prepared: the submission of
 * such a transaction need not repeat its definition.
 */
function timelineOf({ global, fresh, nowMs }: Facts, status: State['status']): State['timeline'] {
  const { pattern } = fresh.definition;
  const first = pattern === 'saga' && status !== 'prepared' ? 'submitted' : 'prepared';
  const begun = { kind: 'status', atMs: global.createdAtMs ?? nowMs, status: first, reason: '' } as const;
  if (first === status) return [begun];
  const atMs = Math.min(global.updatedAtMs ?? nowMs, nowMs);
  return [begun, { kind: 'status', atMs, status, reason: status === 'aborting' ? global.rollbackReason : '' }];
}

function rowOf(rows: readonly DtmBranch[], branchId: string, op: string): DtmBranch {
  const row = rows.find((one) => one.branchId === branchId && one.op === op);
  if (row === undefined) throw new NotImportable(`${op} of branch ${branchId} is missing`);
  return row;
}

const textFields = (global: DtmGlobal): Readonly<Record<string, string>> => ({
  gid: global.gid,
  trans_type: global.transType,
  protocol: global.protocol,
  custom_data: global.customData,
  query_prepared: global.queryPrepared,
});

/** The options, with the headers that dtm passes on from the client's request below the others. */
function optionsOf({ options, extData }: DtmGlobal): Readonly<Record<string, unknown>> {
  const own = objectOf('options', options);
  const { headers } = objectOf('ext_data', extData) as { readonly headers?: object };
  const branchHeaders = { ...headers, ...(own['branch_headers'] as object | undefined) };
  return { ...own, branch_headers: branchHeaders };
}

function objectOf(field: string, text: string): Readonly<Record<string, unknown>> {
  if (text === '') return {};
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Reported below.
  }
  throw new NotImportable(`its ${field} are not a JSON object`);
}
