import type { Status } from '@holdfast/protocol';
import type { Transaction } from '../patterns/model.ts';
import type { StoredTransaction } from '../store/store.ts';
import type { Delivery } from './delivery.ts';

/**
 * The owner of the record, as far as the run knows. `none`: no session, or not stored yet. `ours`:
 * this session, which knows everything that was started. `orphaned`: the store names this session,
 * but no run drove the record. `theirs`: another live session.
 */
export type Ownership = 'none' | 'ours' | 'orphaned' | 'theirs';

/**
 * A node's memory of one transaction, as plain data: the part of a run on which decisions are
 * based.
 */
export interface Memory {
  /** Undefined until the record was read. */
  readonly transaction: Transaction | undefined;
  /** Fencing version of the record; 0 if not stored yet. */
  readonly version: number;
  /**
   * Write ID of the record in this node's memory: while the record has it, no other node has
   * decided.
   */
  readonly writeId: string;
  readonly ownership: Ownership;
  /** Retry commands stored by other nodes that this node has already applied. */
  readonly retryCommands: number;
  /**
   * A previous owner was lost, and no write since then has reset the claims (and the suspicion).
   */
  readonly suspect: boolean;
  /** The record that a claim returned while a command on it was in progress. */
  readonly claimed: StoredTransaction | undefined;
  /** Number of consecutive lost writes. */
  readonly conflicts: number;
  /** The record's status when it last made a write of this run lose. */
  readonly foundStatus?: Status | undefined;
  /** Events to be delivered, oldest first. */
  readonly queue: readonly Delivery[];
}
