import type { CallContext } from '@holdfast/core';
import type { CheckedInputOf, OperationName, ResultOf } from '@holdfast/protocol';

/**
 * What one operation does. Its input is checked by the operation's schemas; errors are
 * `HoldfastError`.
 *
 * `waitMs`: resolve when the transaction is finished, or after this time with its current state; 0:
 * at once. Always 0 for an operation that does not wait.
 */
export type Implementation<Name extends OperationName> = (
  context: CallContext,
  input: CheckedInputOf<Name>,
  waitMs: number,
) => Promise<ResultOf<Name>>;

/** An implementation for each operation of a group. */
export type ImplementationsOf<Group> = { readonly [Name in keyof Group & OperationName]: Implementation<Name> };
