import { OPERATION_NAMES, type OperationName } from '@holdfast/protocol';
import type { CallOptions } from '../options.ts';
import type { Api, ApiCall, ApiCalls } from './api.ts';

/** The coordinator is to respond this much before the timeout, so that its response arrives. */
const TRANSIT_MS = 250;

/** The part of a timeout that is reserved for the transfer of the response. */
const transitMs = (timeoutMs: number): number => Math.min(timeoutMs / 4, TRANSIT_MS);

/** The time within which the coordinator is to respond to a request with this timeout. */
export const statedMs = (timeoutMs: number): number => timeoutMs - transitMs(timeoutMs);

/** A repeat with less time than this is not made: its response would hardly arrive. */
export const SHORTEST_REPEAT_MS = 50;

/** How a call ends before its response: by its signal, or by its time. */
export interface CallEnd {
  readonly signal: AbortSignal | undefined;
  readonly endsMs: number | undefined;
}

/**
 * @returns the signal and the end of a call that begins now
 * @throws {TypeError} the timeout is not a number of at least 0
 */
export function callEnd({ signal, callTimeoutMs }: CallOptions): CallEnd {
  return { signal, endsMs: callTimeoutMs === undefined ? undefined : endOf(callTimeoutMs) };
}

/** The end of a wait that is part of a call: early enough to read the state and to respond. */
export function waitEnd(deadlineMs: number, callTimeoutMs: number | undefined): number {
  if (callTimeoutMs === undefined) return deadlineMs;
  const timeoutMs = checked(callTimeoutMs);
  return Math.min(deadlineMs, performance.now() + timeoutMs - 2 * transitMs(timeoutMs));
}

/** The API for code of which each call to the coordinator has the timeout; undefined: none. */
export function limited(api: Api, callTimeoutMs: number | undefined): Api {
  if (callTimeoutMs === undefined) return api;
  const stub = (name: OperationName): AnyCall => {
    const send = api[name] as AnyCall;
    return async (input, call) => send(input, { ...call, endsMs: call.endsMs ?? endOf(callTimeoutMs) });
  };
  const calls = Object.fromEntries(OPERATION_NAMES.map((name) => [name, stub(name)]));
  return { ...api, ...(calls as unknown as ApiCalls) };
}

type AnyCall = (input: unknown, call: ApiCall) => Promise<unknown>;

const endOf = (callTimeoutMs: number): number => performance.now() + checked(callTimeoutMs);

function checked(callTimeoutMs: unknown): number {
  if (typeof callTimeoutMs === 'number' && callTimeoutMs >= 0) return callTimeoutMs;
  const shown = typeof callTimeoutMs === 'string' ? JSON.stringify(callTimeoutMs) : String(callTimeoutMs);
  throw new TypeError(`callTimeoutMs must be a number of 0 or more, not ${shown}`);
}
