import type { Barrier } from '@holdfast/client';

/** A change of one account. */
export interface Change {
  readonly account: number;
  readonly amount: number;
}

/** The work of one op of one step, as the database keeps it beside the accounts that it changed. */
export interface Entry {
  readonly gid: string;
  readonly step: number;
  readonly op: string;
  readonly changes: readonly Change[];
}

/** A failure after which a handler may repeat its work at once. */
export type Loss = 'deadlock' | 'serialization failure' | 'lock wait timeout';

/**
 * The accounts of a participant, and the SDK's barrier in front of them. The entry of an op and its
 * changes are in one transaction, and the table of entries has no key that keeps a second one out:
 * the barrier alone does.
 */
export interface Ledger<Tx> {
  readonly barrier: Barrier<Tx>;
  /** Undefined: the database has no XA. */
  readonly xa: Barrier<Tx> | undefined;
  /** Writes an entry; `holdMs` passes between its first and its second change. */
  apply(tx: Tx, entry: Entry, holdMs: number): Promise<void>;
  /** Has the server end the connection of a transaction. */
  terminate(tx: Tx): Promise<void>;
  lossOf(error: unknown): Loss | undefined;
}

/** What an entry adds to an account. */
export interface Delta {
  readonly balance: number;
  readonly frozen: number;
}

/** A try freezes an amount, which its confirm books and its cancel releases. */
export function deltaOf(op: string, amount: number): Delta {
  switch (op) {
    case 'try':
      return { balance: 0, frozen: amount };
    case 'confirm':
      return { balance: amount, frozen: -amount };
    case 'cancel':
      return { balance: 0, frozen: -amount };
    case 'compensate':
    case 'rollback':
      return { balance: -amount, frozen: 0 };
    default:
      return { balance: amount, frozen: 0 };
  }
}

/** Accounts of a run, numbered from 0. */
export const ACCOUNTS = 200;

/** What an account has at the beginning. */
export const OPENING_BALANCE = 1_000;
