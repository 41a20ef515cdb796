import { declareBranch, type BranchDeclaration } from '@holdfast/client';
import {
  type Barrier,
  behindBarrier,
  type BarrierHandler,
  type BranchCallContext,
  type BranchHandler,
  serveBranch,
} from '@holdfast/client/api';
import type { Logger } from '@holdfast/core';
import type { LocalBranches, LocalCall } from '@holdfast/branches';
import { readableThrown, resultOfThrown } from '@holdfast/protocol';

/** Written as a method, so that it accepts functions of any payload. */
interface AnyBranch {
  run(call: BranchCallContext): unknown;
}

/**
 * Functions by their names. A saga ignores the returned value: returning is success, throwing is
 * not (`BranchFailure`, `BranchOngoing`, others).
 */
export type Branches = Readonly<Record<string, AnyBranch['run']>>;

/** Their declarations, with the payloads that the functions take. */
export type DeclaredBranches<B extends Branches> = {
  readonly [Name in keyof B]: B[Name] extends (call: BranchCallContext<infer Payload>) => unknown
    ? BranchDeclaration<Payload>
    : never;
};

/**
 * A branch behind a barrier: the writes of `handler` with `tx` take effect at most once, in one
 * local transaction with the barrier's rows.
 *
 *     branches: {
 *       debit: withBarrier(barrier, async (call: BranchCallContext<Transfer>, sql) => {
 *         await sql.query(…);
 *       }),
 *     }
 */
export const withBarrier = <Payload, Tx>(
  barrier: Barrier<Tx>,
  handler: BarrierHandler<Payload, Tx>,
): BranchHandler<Payload> => behindBarrier(barrier, handler);

/** Names that begin with a dot are reserved for the coordinator. */
const NAME = /^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,127}$/;

/**
 * Makes the functions callable as `local://APPLICATION/NAME`.
 *
 * @throws {TypeError} a name, or the application's, has characters that are invalid in a URL
 */
export function registerBranches<B extends Branches>(
  locals: LocalBranches,
  application: string,
  branches: B,
  logger: Logger,
): DeclaredBranches<B> {
  assertName('application', application);
  const declared: Record<string, BranchDeclaration<unknown>> = {};
  for (const [name, handler] of Object.entries(branches)) {
    assertName('branch', name);
    declared[name] = declareBranch(registerBranch(locals, application, name, handler, logger));
  }
  return declared as DeclaredBranches<B>;
}

/** Makes one function callable, and returns its URL. */
export function registerBranch(
  locals: LocalBranches,
  application: string,
  name: string,
  handler: AnyBranch['run'],
  logger: Logger,
): string {
  const path = `${application}/${name}`;
  locals.register(path, (call) => serve(path, handler, call, logger));
  return `local://${path}`;
}

function assertName(what: string, name: string): void {
  if (!NAME.test(name))
    throw new TypeError(
      `the name of a${what === 'branch' ? '' : 'n'} ${what} has letters, digits and _ . - only: ${name}`,
    );
}

async function serve(path: string, handler: AnyBranch['run'], local: LocalCall, logger: Logger): Promise<unknown> {
  const call = new LocalBranchCall(local);
  try {
    return await serveBranch(call, handler, path);
  } catch (thrown) {
    const error = readableThrown(thrown);
    // The function is called again, and this is the only place where the stack of the error can be
    // reported.
    if (resultOfThrown(error).kind === 'UNKNOWN')
      logger.warn({ gid: call.gid, branch: call.branchId, op: call.op, err: error }, 'a branch threw an error');
    throw error;
  }
}

/** As over HTTP; the query is assembled on first access. */
class LocalBranchCall implements BranchCallContext {
  readonly gid: string;
  readonly transType: BranchCallContext['transType'];
  readonly branchId: string;
  readonly op: BranchCallContext['op'];
  readonly payload: unknown;
  readonly #query: LocalCall['query'];

  constructor(call: LocalCall) {
    this.gid = call.gid;
    this.transType = call.pattern;
    this.branchId = call.branchId;
    this.op = call.op;
    this.payload = call.json();
    this.#query = call.query;
  }

  get query(): URLSearchParams {
    const { gid, transType, branchId, op } = this;
    return new URLSearchParams({ ...this.#query, gid, trans_type: transType, branch_id: branchId, op });
  }
}
