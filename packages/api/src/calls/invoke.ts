import type { CallContext } from '@holdfast/core';
import type { QueryValues } from '@holdfast/protocol';

/** An input of any operation: the fields of its path are texts. */
export interface AnyInput {
  readonly [field: string]: unknown;
  readonly query?: QueryValues | URLSearchParams;
  readonly body?: unknown;
}

/** A call of any operation. */
export type Invoke = (context: CallContext, input: AnyInput, waitMs: number) => Promise<unknown>;
