import { BranchFailure, type Op, xaName } from '@holdfast/protocol';
import type { Api, InitiatorCall } from '../api/api.ts';
import { bodyOrThrow } from '../branch-answer.ts';
import { urlOf } from '../branch-declaration.ts';
import { assertJson } from '../json-value.ts';
import { runInBranch } from '../participants/branch-context.ts';
import type { TccBranch } from '../tcc.ts';
import { DEFAULT_BRANCH_TIMEOUT_MS, type TransactionOptions } from '../transaction-options.ts';
import type { FlowCall, FlowStep, FlowXa, StepCall, StepCodec } from './flow.ts';
import type { StepKind } from './records.ts';

/** What a step does, whatever kind it is of. */
export interface StepWork {
  readonly kind: StepKind;
  /** Does it now; what it gives is recorded. */
  readonly act: () => unknown;
  /** What is recorded of it, and the value of what was recorded; absent: itself. */
  readonly codec?: StepCodec<unknown> | undefined;
  /** Makes it final when the workflow succeeds. */
  readonly commit: (() => unknown) | undefined;
  /** @param result undefined: it failed, or perhaps never began */
  readonly rollback: ((result: unknown) => unknown) | undefined;
  /** It changes nothing, so that there is nothing to undo. */
  readonly hasNoEffect?: boolean;
}

/** Where the branches of one transaction are called from. */
export interface BranchCalls {
  readonly api: Api;
  readonly gid: string;
  readonly options: TransactionOptions;
}

/** What databases take as the name of an XA transaction. */
const XA_NAME_BYTES = 64;

/** Work of this process. */
export function localStep<T>(gid: string, name: string, { run, undo, codec }: FlowStep<T>): StepWork {
  const within = (op: Op, work: (call: StepCall) => unknown) => {
    const call = stepCall(gid, name, op);
    return runInBranch(call, () => work(call));
  };
  return {
    kind: 'step',
    act: () => within('action', run),
    codec: codec as StepCodec<unknown> | undefined,
    commit: undefined,
    rollback: undo && ((result) => within('rollback', (call) => undo(result as T | undefined, call))),
  };
}

/** As in a saga. */
export function calledStep<P, A>(
  calls: BranchCalls,
  name: string,
  { action, compensate, payload, parse, requestTimeoutMs }: FlowCall<P, A>,
): StepWork {
  const call = caller(calls, name, payload, requestTimeoutMs);
  return {
    kind: 'call',
    act: async () => parsed(parse, await call('action', urlOf(action))),
    commit: undefined,
    rollback: compensate === null ? undefined : () => call('rollback', urlOf(compensate)),
  };
}

/** Tried now; confirmed or cancelled at the end. */
export function tccStep<P, A>(calls: BranchCalls, name: string, branch: TccBranch<P, A>): StepWork {
  const { confirm, cancel, payload, parse, requestTimeoutMs } = branch;
  const call = caller(calls, name, payload, requestTimeoutMs);
  return {
    kind: 'tcc',
    act: async () => parsed(parse, await call('action', urlOf(branch.try))),
    commit: confirm === null ? undefined : () => call('commit', urlOf(confirm)),
    rollback: cancel === null ? undefined : () => call('rollback', urlOf(cancel)),
  };
}

/** Prepared now; committed or rolled back at the end. */
export function xaStep<P, A>(
  calls: BranchCalls,
  name: string,
  { url, payload, parse, requestTimeoutMs }: FlowXa<P, A>,
): StepWork {
  const inDatabase = xaName(calls.gid, name);
  if (Buffer.byteLength(inDatabase) > XA_NAME_BYTES)
    // A failure, since no later run could call the step: the others are undone.
    throw new BranchFailure(
      `The XA transaction ${inDatabase} would have a name of more than ${XA_NAME_BYTES} bytes, which databases refuse: shorten the step's name or the gid`,
    );
  // The call is always a POST, as that of an xa.
  const call = caller(calls, name, payload ?? null, requestTimeoutMs);
  return {
    kind: 'xa',
    act: async () => parsed(parse, await call('action', urlOf(url))),
    commit: () => call('commit', urlOf(url)),
    rollback: () => call('rollback', urlOf(url)),
  };
}

/** What a participant knows the step by. */
function stepCall(gid: string, branchId: string, op: Op): StepCall {
  const query = new URLSearchParams({ gid, trans_type: 'workflow', branch_id: branchId, op });
  return { gid, transType: 'workflow', branchId, op, payload: undefined, query };
}

/**
 * A payload that is not JSON is the code's mistake, which is thrown into it before anything is
 * called.
 */
const caller = (
  { api, gid, options }: BranchCalls,
  branchId: string,
  payload: unknown,
  ownTimeoutMs: number | undefined,
) => {
  assertJson('payload', payload);
  return async (op: Op, url: string): Promise<unknown> => {
    const call: InitiatorCall = {
      gid,
      pattern: 'workflow',
      branchId,
      op,
      url,
      payload,
      headers: options.branchHeaders ?? {},
      timeoutMs: ownTimeoutMs ?? options.requestTimeoutMs ?? DEFAULT_BRANCH_TIMEOUT_MS,
    };
    return bodyOrThrow(call, await api.callBranch(call));
  };
};

const parsed = (parse: ((answer: unknown) => unknown) | undefined, answer: unknown): unknown =>
  parse === undefined ? answer : parse(answer);
