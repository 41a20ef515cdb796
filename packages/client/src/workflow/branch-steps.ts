import { BranchFailure, type Op, xaName } from '@holdfast/protocol';
import { isGrpcUrl } from '@holdfast/protocol/grpc';
import type { Api, InitiatorCall } from '../api/api.ts';
import { bodyOrThrow } from '../branch-response.ts';
import { urlOf } from '../branch-declaration.ts';
import { runInBranch } from '../participants/branch-context.ts';
import { assertPayload, isBytes } from '../payload.ts';
import type { TccBranch } from '../tcc.ts';
import { DEFAULT_BRANCH_TIMEOUT_MS, type TransactionOptions } from '../transaction-options.ts';
import type { FlowCall, FlowStep, FlowXa, StepCall, StepCodec } from './flow.ts';
import type { StepKind } from './records.ts';

/** The work of a step of any kind. */
export interface StepWork {
  readonly kind: StepKind;
  /** Does the work now; its result is recorded. */
  readonly act: () => unknown;
  /** Converts the result to its recorded form and back; absent: the result is recorded as it is. */
  readonly codec?: StepCodec<unknown> | undefined;
  /** Makes the work final when the workflow succeeds. */
  readonly commit: (() => unknown) | undefined;
  /** @param result undefined: the work failed, or perhaps never began */
  readonly rollback: ((result: unknown) => unknown) | undefined;
  /** It changes nothing, so that there is nothing to undo. */
  readonly hasNoEffect?: boolean;
}

/** The context in which the branches of one transaction are called. */
export interface BranchCalls {
  readonly api: Api;
  readonly gid: string;
  readonly options: TransactionOptions;
}

/** The longest name of an XA transaction that databases accept. */
const XA_NAME_BYTES = 64;

/** A step in this process. */
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

/** A step that is called, and compensated as in a saga. */
export function calledStep<P, A>(
  calls: BranchCalls,
  name: string,
  { action, compensate, payload, parse, requestTimeoutMs }: FlowCall<P, A>,
): StepWork {
  const call = caller(calls, name, payload, requestTimeoutMs, [action, compensate]);
  return {
    kind: 'call',
    act: async () => parsed(parse, await call('action', urlOf(action))),
    commit: undefined,
    rollback: compensate === null ? undefined : () => call('rollback', urlOf(compensate)),
  };
}

/** A step that is tried now, and confirmed or cancelled at the end. */
export function tccStep<P, A>(calls: BranchCalls, name: string, branch: TccBranch<P, A>): StepWork {
  const { confirm, cancel, payload, parse, requestTimeoutMs } = branch;
  const call = caller(calls, name, payload, requestTimeoutMs, [branch.try, confirm, cancel]);
  return {
    kind: 'tcc',
    act: async () => parsed(parse, await call('action', urlOf(branch.try))),
    commit: confirm === null ? undefined : () => call('commit', urlOf(confirm)),
    rollback: cancel === null ? undefined : () => call('rollback', urlOf(cancel)),
  };
}

/** A step that is prepared now, and committed or rolled back at the end. */
export function xaStep<P, A>(
  calls: BranchCalls,
  name: string,
  { url, payload, parse, requestTimeoutMs }: FlowXa<P, A>,
): StepWork {
  const inDatabase = xaName(calls.gid, name);
  if (Buffer.byteLength(inDatabase) > XA_NAME_BYTES)
    // A failure, since no later run could call the step: the others are undone.
    throw new BranchFailure(
      `The XA transaction ${inDatabase} would have a name of more than ${XA_NAME_BYTES} bytes, which databases reject: shorten the step's name or the gid`,
    );
  // Always with a body, like the call of an xa; over gRPC every call has a message.
  const sent = isGrpcUrl(urlOf(url)) ? payload : (payload ?? null);
  const call = caller(calls, name, sent, requestTimeoutMs, [url]);
  return {
    kind: 'xa',
    act: async () => parsed(parse, await call('action', urlOf(url))),
    commit: () => call('commit', urlOf(url)),
    rollback: () => call('rollback', urlOf(url)),
  };
}

/** The call by which a participant identifies the step. */
function stepCall(gid: string, branchId: string, op: Op): StepCall {
  const query = new URLSearchParams({ gid, trans_type: 'workflow', branch_id: branchId, op });
  return { gid, transType: 'workflow', branchId, op, payload: undefined, query };
}

/**
 * A payload that is neither JSON nor bytes is a mistake of the workflow's code: the error is thrown
 * into that code before any call.
 */
const caller = (
  { api, gid, options }: BranchCalls,
  branchId: string,
  payload: unknown,
  ownTimeoutMs: number | undefined,
  targets: readonly (string | { readonly url: string } | null)[],
) => {
  assertPayload(
    'payload',
    payload,
    targets.flatMap((target) => (target === null ? [] : [urlOf(target)])),
  );
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

/** The result to record. Without a parser the bytes of a gRPC message mean nothing to the code. */
function parsed(parse: ((response: unknown) => unknown) | undefined, response: unknown): unknown {
  if (parse !== undefined) return parse(response);
  return isBytes(response) ? undefined : response;
}
