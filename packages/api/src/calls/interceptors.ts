import type { CallContext } from '@holdfast/core';
import {
  type CallDescriptor,
  callHook,
  type ErrorCode,
  HoldfastError,
  type Principal,
  type Role,
} from '@holdfast/protocol';
import { bounded, notStarted } from './deadline.ts';
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

/**
 * What happens around each call of an operation, on every wire. Absent hooks cost nothing. An
 * exception of `audit`, `observe` or `trace`, or a rejected promise that they return, does not
 * affect the call, whose effect may exist already: `threw` receives it.
 */
export interface CallHooks {
  /**
   * Whether the caller has a role; absent: every caller has every role. If it throws, the call is
   * rejected as `internal`.
   */
  readonly allows?: (principal: Principal, role: Role) => boolean;
  /** Called after each call of an audited operation, with its result, also if it was rejected. */
  readonly audit?: (entry: AuditEntry) => void;
  /** Records audited calls; one that cannot be recorded is not carried out. */
  readonly recorder?: CallRecorder;
  /** Called once per operation, at the start; returns what is called after each of its calls. */
  readonly observe?: (name: CallName) => (result: CallResult, durationMs: number) => void;
  /** Called at the start of each call; returns what is called at its end. */
  readonly trace?: (name: CallName, context: CallContext) => (result: CallResult) => void;
  /** Called with each error of another hook; `hookLog` logs them. Its own errors are ignored. */
  readonly threw?: (hook: 'audit' | 'observe' | 'trace', error: unknown) => void;
}

/** One entry of the audit log. */
export interface AuditEntry {
  readonly operation: CallName;
  readonly context: CallContext;
  /** Incomplete if the request was rejected before it was read: the fields of the path, or none. */
  readonly input: AnyInput;
  readonly result: CallResult;
}

/** Records audited calls before and after they are carried out. */
export interface CallRecorder {
  /**
   * Called with a checked input before a call is carried out. If the promise rejects, the call is
   * rejected with its error.
   */
  begin(operation: NamedCall, context: CallContext, input: AnyInput): Promise<EndOfRecord>;
}

/** Called with the result of a recorded call, and with the value of a success. Never rejects. */
export type EndOfRecord = (result: CallResult, value?: unknown) => Promise<void>;

/**
 * The implementation of an operation, recorded if the operation is audited. Within the deadline: a
 * caller whose deadline passes receives its response, and the result is recorded nevertheless.
 */
export function recorded({ recorder }: CallHooks, call: NamedCall, next: Invoke): Invoke {
  if (recorder === undefined || !call.audited) return next;
  return async (context, input, waitMs) => {
    if (call.auditedOf?.(input) === false) return next(context, input, waitMs);
    const end = await recorder.begin(call, context, input);
    let value: unknown;
    try {
      // The caller has received this error if its deadline has passed.
      if (context.deadlineMs !== undefined && context.deadlineMs <= performance.now()) throw notStarted();
      value = await next(context, input, waitMs);
    } catch (thrown) {
      await end(HoldfastError.from(thrown).code);
      throw thrown;
    }
    await end('ok', value);
    return value;
  };
}

/** Wraps the operations of one wire with the interceptors of `hooks`, and with the deadline. */
export function intercept(hooks: CallHooks): Interceptor {
  const wrap = interceptStreams(hooks);
  return (call, invoke) => wrap(call, bounded(invoke));
}

/** As `intercept`, for streams, which observe the deadline themselves (`streamed`). */
export function interceptStreams(hooks: CallHooks): Interceptor {
  const interceptors = interceptorsOf(hooks);
  return (call, invoke) =>
    interceptors.reduceRight((next, interceptor) => interceptor(call, next), unlessRejected(invoke));
}

/** The interceptors of these hooks, outermost first. */
function interceptorsOf({ allows, audit, observe, trace, threw }: CallHooks): readonly Interceptor[] {
  const onFailure = (hook: HookName) => threw && ((error: unknown) => threw(hook, error));
  return [
    ...(trace === undefined ? [] : [traced(trace, onFailure('trace'))]),
    ...(observe === undefined ? [] : [observed(observe, onFailure('observe'))]),
    ...(audit === undefined ? [] : [audited(audit, onFailure('audit'))]),
    ...(allows === undefined ? [] : [authorised(allows)]),
  ];
}

type HookName = Parameters<NonNullable<CallHooks['threw']>>[0];
type OnFailure = ((error: unknown) => void) | undefined;

const traced =
  (trace: NonNullable<CallHooks['trace']>, onFailure: OnFailure): Interceptor =>
  ({ name }, next) =>
  (context, input, waitMs) => {
    let end: ((result: CallResult) => void) | undefined;
    callHook(() => void (end = trace(name, context)), onFailure);
    return reported(next(context, input, waitMs), (result) => end?.(result), onFailure);
  };

const observed =
  (observe: NonNullable<CallHooks['observe']>, onFailure: OnFailure): Interceptor =>
  ({ name }, next) => {
    const report = observe(name);
    return (context, input, waitMs) => {
      const startedMs = performance.now();
      const call = next(context, input, waitMs);
      return reported(call, (result) => report(result, performance.now() - startedMs), onFailure);
    };
  };

const audited =
  (audit: NonNullable<CallHooks['audit']>, onFailure: OnFailure): Interceptor =>
  (call, next) => {
    if (!call.audited) return next;
    const { name } = call;
    return (context, input, waitMs) =>
      reported(
        next(context, input, waitMs),
        (result) => audit({ operation: name, context, input: knownInputOf(input), result }),
        onFailure,
      );
  };

const authorised =
  (allows: NonNullable<CallHooks['allows']>): Interceptor =>
  ({ name, role, roleOf }, next) =>
  (context, input, waitMs) => {
    const needed = roleOf?.(input) ?? role;
    let isAllowed: boolean;
    try {
      isAllowed = allows(context.principal, needed);
    } catch (thrown) {
      return Promise.reject(HoldfastError.from(thrown));
    }
    if (isAllowed) return next(context, input, waitMs);
    const fault = `${name} needs the role ${needed}; an administrator can grant it`;
    return Promise.reject(new HoldfastError('forbidden', fault));
  };

/** Reports the result of a call before its caller receives it. */
const reported = <T>(call: Promise<T>, report: (result: CallResult) => unknown, onFailure: OnFailure): Promise<T> =>
  call.then(
    (value) => {
      passResult(report, 'ok', onFailure);
      return value;
    },
    (error: unknown) => {
      passResult(report, HoldfastError.from(error).code, onFailure);
      throw error;
    },
  );

/** `callHook`, without a closure per call. */
function passResult(report: (result: CallResult) => unknown, result: CallResult, onFailure: OnFailure): void {
  let returned: unknown;
  try {
    returned = report(result);
  } catch (thrown) {
    callHook(() => {
      throw thrown;
    }, onFailure);
  }
  if (returned !== undefined) callHook(() => returned, onFailure);
}
