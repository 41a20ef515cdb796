import { AUDIT_OPERATIONS } from './audit.ts';
import { INITIATOR_OPERATIONS } from './initiators.ts';
import { NODE_OPERATIONS } from './nodes.ts';
import type { CheckedInput, Operation, OperationInput, OperationResult } from './operation.ts';
import { OPERATOR_ACTIONS } from './operator-actions.ts';
import { TOKEN_OPERATIONS } from './tokens.ts';
import { TOPIC_OPERATIONS } from './topics.ts';
import { TRANSACTION_OPERATIONS } from './transactions.ts';

/**
 * Holdfast's own API, `/api/v1`: JSON, milliseconds, problem details (RFC 9457) for errors. Used by
 * the SDK, the command line and the console.
 */
export const OPERATIONS = {
  ...TRANSACTION_OPERATIONS,
  ...INITIATOR_OPERATIONS,
  ...OPERATOR_ACTIONS,
  ...TOPIC_OPERATIONS,
  ...NODE_OPERATIONS,
  ...TOKEN_OPERATIONS,
  ...AUDIT_OPERATIONS,
} as const;

export type OperationName = keyof typeof OPERATIONS;

/** The names of all operations. */
export const OPERATION_NAMES = Object.keys(OPERATIONS) as readonly OperationName[];

/** The definition of an operation, without the types of its schemas. */
export const operationOf = (name: OperationName): Operation => OPERATIONS[name];

/** What a caller gives an operation. */
export type InputOf<Name extends OperationName> = OperationInput<(typeof OPERATIONS)[Name]>;
/** What the implementation of an operation receives. */
export type CheckedInputOf<Name extends OperationName> = CheckedInput<(typeof OPERATIONS)[Name]>;
/** What an operation resolves to. */
export type ResultOf<Name extends OperationName> = OperationResult<(typeof OPERATIONS)[Name]>;
