import type { CallContext } from '@holdfast/core';
import {
  type ErrorCode,
  HoldfastError,
  type Operation,
  type OperationName,
  type Principal,
  type Role,
} from '@holdfast/protocol';
import type { AnyInput, Invoke } from './invoke.ts';

/** An operation with its name. */
export interface NamedOperation extends Operation {
  readonly name: OperationName;
}

/**
 * Wraps the calls of an operation. Called once for each operation when the API is created; an
 * interceptor that does not apply to an operation returns `next` itself, and costs nothing.
 */
export type Interceptor = (operation: NamedOperation, next: Invoke) => Invoke;

/** The result of a call: `ok`, or the code of its error. */
export type CallResult = 'ok' | ErrorCode;

/** What happens around each call of an operation. Absent hooks cost nothing. */
export interface OperationHooks {
  /** Whether the caller has a role; absent: every caller has every role. */
  readonly allows?: (principal: Principal, role: Role) => boolean;
  /** Called after each call of an audited operation, with its result. Must not throw. */
  readonly audit?: (entry: AuditEntry) => void;
  /** Called once per operation; returns what is called after each of its calls. Must not throw. */
  readonly observe?: (name: OperationName) => (result: CallResult, durationMs: number) => void;
  /** Called at the start of each call; returns what is called at its end. Must not throw. */
  readonly trace?: (name: OperationName, context: CallContext) => (result: CallResult) => void;
}

/** One entry of the audit log. */
export interface AuditEntry {
  readonly operation: OperationName;
  readonly context: CallContext;
  readonly input: AnyInput;
  readonly result: CallResult;
}

/** The interceptors of these hooks, outermost first. */
export function interceptorsOf({ allows, audit, observe, trace }: OperationHooks): readonly Interceptor[] {
  return [
    ...(trace === undefined ? [] : [traced(trace)]),
    ...(observe === undefined ? [] : [observed(observe)]),
    ...(audit === undefined ? [] : [audited(audit)]),
    ...(allows === undefined ? [] : [authorised(allows)]),
  ];
}

/** Applies interceptors to the calls of an operation, the first one outermost. */
export const intercepted = (interceptors: readonly Interceptor[], operation: NamedOperation, invoke: Invoke): Invoke =>
  interceptors.reduceRight((next, interceptor) => interceptor(operation, next), invoke);

const traced =
  (trace: NonNullable<OperationHooks['trace']>): Interceptor =>
  ({ name }, next) =>
  (context, input, waitMs) => {
    const end = trace(name, context);
    return withResult(next(context, input, waitMs), end);
  };

const observed =
  (observe: NonNullable<OperationHooks['observe']>): Interceptor =>
  ({ name }, next) => {
    const report = observe(name);
    return (context, input, waitMs) => {
      const startedMs = performance.now();
      return withResult(next(context, input, waitMs), (result) => report(result, performance.now() - startedMs));
    };
  };

const audited =
  (audit: NonNullable<OperationHooks['audit']>): Interceptor =>
  (operation, next) => {
    if (!operation.audited) return next;
    const { name } = operation;
    return (context, input, waitMs) =>
      withResult(next(context, input, waitMs), (result) => audit({ operation: name, context, input, result }));
  };

const authorised =
  (allows: NonNullable<OperationHooks['allows']>): Interceptor =>
  ({ name, role, roleOf }, next) =>
  async (context, input, waitMs) => {
    const needed = roleOf?.(input.body) ?? role;
    if (!allows(context.principal, needed))
      throw new HoldfastError('forbidden', `${name} needs the role ${needed}; an administrator can grant it`);
    return next(context, input, waitMs);
  };

async function withResult<T>(call: Promise<T>, report: (result: CallResult) => void): Promise<T> {
  let result: CallResult = 'ok';
  try {
    return await call;
  } catch (error) {
    result = HoldfastError.from(error).code;
    throw error;
  } finally {
    report(result);
  }
}
