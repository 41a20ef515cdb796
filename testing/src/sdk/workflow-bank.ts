import { BranchFailure } from '@holdfast/protocol';
import { expect } from 'vitest';
import type { BranchCallContext } from '@holdfast/client';
import type { Handlers, SdkHarness, SdkOptions, SdkWorld } from './harness.ts';

/** The input of the workflows of the suites. */
export interface Transfer {
  readonly amount: number;
}

/** Participants that record their calls. */
export function bank() {
  const notes: string[] = [];
  const note = (call: BranchCallContext<Transfer>) => {
    notes.push(`${call.op} ${call.branchId} ${call.payload.amount}`);
    return { receipt: call.branchId };
  };
  return { notes, branches: { credit: note, revoke: note, hold: note, book: note, release: note, xa: note } };
}

/** A local step that records its runs and undos. */
export const noted = (notes: string[], name: string, work: () => unknown = () => name) => ({
  run: () => {
    notes.push(`run ${name}`);
    return work();
  },
  undo: (result: unknown) =>
    void notes.push(`undo ${name} ${result === undefined ? 'unknown' : JSON.stringify(result)}`),
});

/** The error that a promise rejects with; fails if the promise resolves. */
export const thrownBy = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    (value) => expect.unreachable(`it returned ${JSON.stringify(value)}`),
    (error: unknown) => error,
  );

/** A step that ends the workflow as failed. */
export const refuse = (): never => {
  throw new BranchFailure('the account is closed');
};

/** Throws the given number of times before it returns. */
export function flaky<T>(times: number, value: T, error: () => Error = () => new Error('the database is away')) {
  let left = times;
  return (): T => {
    if (left-- > 0) throw error();
    return value;
  };
}

/** Starts an environment for workflows; `v1` are the options of a first version there. */
export const workflowStarter =
  (harness: SdkHarness) =>
  async <B extends Handlers>(branches: B, options?: SdkOptions) => {
    const world: SdkWorld<B> = await harness.start(branches, options);
    return { ...world, v1: { version: 1, ...world.workflowOptions } };
  };
