import type { CallContext, Coordinator, TransactionView } from '@holdfast/core';
import { HoldfastError, isFinal, nounOfPattern, type Pattern } from '@holdfast/protocol';
import { finalRead } from '../calls/deadline.ts';

/** Reads and awaits the transactions that operations return. */
export class Views {
  readonly #coordinator: Coordinator;

  constructor(coordinator: Coordinator) {
    this.#coordinator = coordinator;
  }

  /** With `waitMs`, when the transaction is finished, or as it is after that time. */
  async read(context: CallContext, gid: string, waitMs: number): Promise<TransactionView> {
    return finalRead(context, () => this.#read(context, gid, waitMs));
  }

  /**
   * As `read`, after a durable change. If the transaction cannot be read or waited for, or not
   * before the caller's deadline, the change has still succeeded: an error would make the caller
   * repeat it, without a gid as another transaction.
   */
  async readAfter(
    context: CallContext,
    gid: string,
    waitMs: number,
    changed: TransactionView,
  ): Promise<TransactionView> {
    // A parked transaction does not finish before an operator retries it.
    const isParked = changed.state.parked !== '' && !isFinal(changed.status);
    try {
      return await finalRead(context, () => this.#read(context, gid, isParked ? 0 : waitMs));
    } catch (error) {
      if (HoldfastError.from(error).code === 'internal') throw error;
      return changed;
    }
  }

  async #read(context: CallContext, gid: string, waitMs: number): Promise<TransactionView> {
    return waitMs > 0 ? this.#coordinator.wait(context, gid, waitMs) : this.mustGet(context, gid);
  }

  /** Throws `not_found` if there is no transaction with this gid. */
  async mustGet(context: CallContext, gid: string): Promise<TransactionView> {
    const view = await this.#coordinator.get(context, gid);
    if (view === undefined) throw new HoldfastError('not_found', `there is no transaction with gid ${gid}`, { gid });
    return view;
  }

  /** Throws `overloaded` if a caller that waits cannot be served. Called before the change. */
  assertMayWait(gid: string, waitMs: number): void {
    if (waitMs > 0) this.#coordinator.assertMayWait(gid);
  }

  /** For the response about an unfinished workflow: how often its code sends heartbeats. */
  heartbeat(view: TransactionView): { readonly heartbeatMs?: number } {
    const sendsHeartbeats = view.pattern === 'workflow' && !isFinal(view.status);
    return sendsHeartbeats ? { heartbeatMs: this.#coordinator.heartbeatPeriodMs(view) } : {};
  }
}

/** A branch of another pattern would be stored and never called. */
export function assertPattern({ gid, pattern, status }: TransactionView, expected: Pattern): void {
  if (pattern !== expected)
    throw new HoldfastError(
      'wrong_pattern',
      `${gid} is a ${nounOfPattern(pattern)}, not a ${nounOfPattern(expected)}`,
      {
        gid,
        field: ['pattern'],
        status,
      },
    );
}
