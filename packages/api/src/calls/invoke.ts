import type { CallContext } from '@holdfast/core';
import type { OperationName, QueryValues, StreamName } from '@holdfast/protocol';
import type { DtmOperationName } from '../dtm/operations.ts';

/** The name of an operation of `/api/v1`, of a stream, or of a call of dtm's wire. */
export type CallName = OperationName | StreamName | `dtm.${DtmOperationName}`;

/** An input of any operation: the fields of its path are texts. */
export interface AnyInput {
  readonly [field: string]: unknown;
  readonly query?: QueryValues | URLSearchParams;
  readonly body?: unknown;
}

/**
 * A call of any operation. Every wire invokes its operations through this type, so that the
 * interceptors apply to all of them. Rejects with a `HoldfastError`.
 */
export type Invoke = (context: CallContext, input: AnyInput, waitMs: number) => Promise<unknown>;
