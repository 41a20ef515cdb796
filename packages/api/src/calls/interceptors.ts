import type { CallContext } from '@holdfast/core';
import { type CallDescriptor, type ErrorCode, HoldfastError, type Principal, type Role } from '@holdfast/protocol';
import { bounded } from './deadline.ts';
import type { AnyInput, CallName, Invoke } from './invoke.ts';
import { knownInputOf, unlessRejected } from './rejected-input.ts';

/** The descriptor of a call with its name. */
export interface NamedCall extends CallDescriptor {
  readonly name: CallName;
}

/**
 * Wraps the calls of an operation. Called once for each operation when the API is created; an
 * interceptor that does not apply to an operation returns `next` itself, and costs nothing.
 */
export type Interceptor = (call: NamedCall, next: Invoke) => Invoke;

/** The result of a call: `ok`, or the code of its error. */
export type CallResult = 'ok' | ErrorCode;

/** What happens around each call of an operation, on every wire. Absent hooks cost nothing. */
export interface CallHooks {
  /** Whether the caller has a role; absent: every caller has every role. */
  readonly allows?: (principal: Principal, role: Role) => boolean;
  /** Called after each call of an audited operation, with its result. Must not throw. */
  readonly audit?: (entry: AuditEntry) => void;
  /** Called once per operation; returns what is called after each of its calls. Must not throw. */
  readonly observe?: (name: CallName) => (result: CallResult, durationMs: number) => void;
  /** Called at the start of each call; returns what is called at its end. Must not throw. */
  readonly trace?: (name: CallName, context: CallContext) => (result: CallResult) => void;
}

/** One entry of the audit log. */
export interface AuditEntry {
  readonly operation: CallName;
  readonly context: CallContext;
  /** Incomplete if the request was rejected before it was read: the fields of the path, or none. */
  readonly input: AnyInput;
  readonly result: CallResult;
}

/** Wraps the operations of one wire with the interceptors of `hooks`, and with the deadline. */
export function intercept(hooks: CallHooks): Interceptor {
  const interceptors = interceptorsOf(hooks);
  return (call, invoke) =>
    interceptors.reduceRight((next, interceptor) => interceptor(call, next), unlessRejected(bounded(invoke)));
}

/** The interceptors of these hooks, outermost first. */
function interceptorsOf({ allows, audit, observe, trace }: CallHooks): readonly Interceptor[] {
  return [
    ...(trace === undefined ? [] : [traced(trace)]),
    ...(observe === undefined ? [] : [observed(observe)]),
    ...(audit === undefined ? [] : [audited(audit)]),
    ...(allows === undefined ? [] : [authorised(allows)]),
  ];
}

const traced =
  (trace: NonNullable<CallHooks['trace']>): Interceptor =>
  ({ name }, next) =>
  (context, input, waitMs) => {
    const end = trace(name, context);
    return reported(next(context, input, waitMs), end);
  };

const observed =
  (observe: NonNullable<CallHooks['observe']>): Interceptor =>
  ({ name }, next) => {
    const report = observe(name);
    return (context, input, waitMs) => {
      const startedMs = performance.now();
      return reported(next(context, input, waitMs), (result) => report(result, performance.now() - startedMs));
    };
  };

const audited =
  (audit: NonNullable<CallHooks['audit']>): Interceptor =>
  (call, next) => {
    if (!call.audited) return next;
    const { name } = call;
    return (context, input, waitMs) =>
      reported(next(context, input, waitMs), (result) =>
        audit({ operation: name, context, input: knownInputOf(input), result }),
      );
  };

const authorised =
  (allows: NonNullable<CallHooks['allows']>): Interceptor =>
  ({ name, role, roleOf }, next) =>
  (context, input, waitMs) => {
    const needed = roleOf?.(input) ?? role;
    if (allows(context.principal, needed)) return next(context, input, waitMs);
    const fault = `${name} needs the role ${needed}; an administrator can grant it`;
    return Promise.reject(new HoldfastError('forbidden', fault));
  };

/** Reports the result of a call before its caller receives it. */
const reported = <T>(call: Promise<T>, report: (result: CallResult) => void): Promise<T> =>
  call.then(
    (value) => {
      report('ok');
      return value;
    },
    (error: unknown) => {
      report(HoldfastError.from(error).code);
      throw error;
    },
  );
