import type { CallContext, TransactionView } from '@holdfast/core';
import { HoldfastError, isFinal, type Pattern } from '@holdfast/protocol';
import type { Handlers } from '../handlers/table.ts';

/** Reads and awaits the transactions that operations return. */
export class Views {
  readonly #handlers: Handlers;

  constructor(handlers: Handlers) {
    this.#handlers = handlers;
  }

  async read(context: CallContext, gid: string, waitMs: number): Promise<TransactionView> {
    return waitMs > 0 ? this.#handlers.wait(context, { gid, timeoutMs: waitMs }) : this.mustGet(context, gid);
  }

  /**
   * As `read`, after a durable change. If the transaction cannot be read or waited for, the change
   * has still succeeded: an error would make the caller repeat it, without a gid as another
   * transaction.
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
      return await this.read(context, gid, isParked ? 0 : waitMs);
    } catch (error) {
      if (HoldfastError.from(error).code === 'internal') throw error;
      return changed;
    }
  }

  /** Throws `not_found` if there is no transaction with this gid. */
  async mustGet(context: CallContext, gid: string): Promise<TransactionView> {
    const view = await this.#handlers.get(context, gid);
    if (view === undefined) throw new HoldfastError('not_found', `there is no transaction with gid ${gid}`, { gid });
    return view;
  }

  /** Throws `overloaded` if a caller that waits cannot be served. Called before the change. */
  async assertMayWait(context: CallContext, gid: string, waitMs: number): Promise<void> {
    if (waitMs > 0) await this.#handlers.assertMayWait(context, gid);
  }

  /** For the response about an unfinished workflow: how often its code sends heartbeats. */
  heartbeat(view: TransactionView): { readonly heartbeatMs?: number } {
    const sendsHeartbeats = view.pattern === 'workflow' && !isFinal(view.status);
    return sendsHeartbeats ? { heartbeatMs: this.#handlers.heartbeatPeriodMs(view) } : {};
  }
}

/** A branch of another pattern would be stored and never called. */
export function assertPattern({ gid, pattern, status }: TransactionView, expected: Pattern): void {
  if (pattern !== expected)
    throw new HoldfastError('wrong_pattern', `${gid} is a ${pattern}, not a ${expected}`, {
      gid,
      field: ['pattern'],
      status,
    });
}
