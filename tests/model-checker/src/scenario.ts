import type { TransactionInput } from '@holdfast/core';
import { NO_OPTIONS } from '@holdfast/core/engine';

/** How often each kind of fault may occur along one path. */
export interface Budget {
  /** A node's process ends; a new one starts at once. */
  readonly crashes: number;
  /** A node is paused until its lease has lapsed; the pause ends at once. */
  readonly pauses: number;
  /** Faults of store calls, of every kind in `FAULTS`. */
  readonly store: number;
  /**
   * A branch call without a response (request lost, response lost, or executed later), or a FAILURE
   * of an undo.
   */
  readonly calls: number;
  /** A forward op that fails for a business reason. */
  readonly refusals: number;
  /** Operator commands: retry, abort, stop. */
  readonly commands: number;
  /** A branch registered at any moment, even after the decision. */
  readonly lateBranches: number;
  /** A client that repeats a request whose outcome is unknown, or was acknowledged. */
  readonly repeats: number;
  /** A heartbeat of a workflow's code. */
  readonly heartbeats: number;
}

export const NO_FAULTS: Budget = {
  crashes: 0,
  pauses: 0,
  store: 0,
  calls: 0,
  refusals: 0,
  commands: 0,
  lateBranches: 0,
  repeats: 0,
  heartbeats: 0,
};

/** The interval of retries, and of callbacks of a workflow. */
export const RETRY_INTERVAL_MS = 1_000;

/** One transaction, and the faults that may occur. */
export interface Scenario {
  readonly name: string;
  readonly pattern: 'saga' | 'msg' | 'tcc' | 'xa' | 'workflow';
  readonly branches: number;
  /** Saga: step → the steps on which it depends; message: all steps at once. */
  readonly concurrent?: boolean;
  readonly orders?: Readonly<Record<number, readonly number[]>>;
  readonly retryLimit?: number;
  /** Saga: aborted after this time. */
  readonly timeoutToFailMs?: number;
  /** Message: starts without being prepared. */
  readonly direct?: boolean;
  readonly budget: Budget;
}

export const KEY = { namespace: 'default', gid: 'g' } as const;
const NO_BYTES = new Uint8Array(0);

/** Branch IDs, from 1. */
export const branchId = (index: number): string => `0${index + 1}`;

/** The transaction in the form that its client submits. */
export function inputOf(scenario: Scenario): TransactionInput {
  const { pattern, branches } = scenario;
  const stepped = pattern === 'saga' || pattern === 'msg';
  const indices = Array.from({ length: stepped ? branches : 0 }, (_, i) => i);
  return {
    gid: KEY.gid,
    pattern,
    steps: indices.map((i) => ({
      action: `http://s/${branchId(i)}`,
      compensate: pattern === 'saga' ? `http://s/${branchId(i)}/undo` : '',
    })),
    payloads: indices.map(() => NO_BYTES),
    orders: scenario.orders ?? {},
    queryPrepared: pattern === 'msg' || pattern === 'workflow' ? 'http://client/check' : '',
    workflowName: pattern === 'workflow' ? 'w' : '',
    options: {
      ...NO_OPTIONS,
      concurrent: scenario.concurrent ?? false,
      retryLimit: scenario.retryLimit ?? 0,
      timeoutToFailMs: scenario.timeoutToFailMs ?? 0,
    },
  };
}

/**
 * The ops of a pattern: the forward op of the client or of a submitted transaction, the op that
 * confirms it, the op that undoes it.
 */
export const OPS = {
  saga: { forward: 'action', confirm: '', undo: 'compensate' },
  msg: { forward: 'action', confirm: '', undo: '' },
  tcc: { forward: 'try', confirm: 'confirm', undo: 'cancel' },
  xa: { forward: 'action', confirm: 'commit', undo: 'rollback' },
  workflow: { forward: 'action', confirm: '', undo: 'rollback' },
} as const;

/** Steps that must have run before this one starts. */
export function stepsBefore(scenario: Scenario, index: number): readonly number[] {
  if (scenario.concurrent === true) return scenario.orders?.[index] ?? [];
  return Array.from({ length: index }, (_, i) => i);
}
