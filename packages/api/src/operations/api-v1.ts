import type { CallContext } from '@holdfast/core';
import {
  type InputOf,
  OPERATION_NAMES,
  type Operation,
  operationOf,
  type OperationName,
  queryFieldsOf,
  type ResultOf,
} from '@holdfast/protocol';
import type { Handlers } from '../handlers/table.ts';
import { parse } from '../reading/parse.ts';
import { initiatorOperations } from './initiators.ts';
import { intercepted, interceptorsOf, type OperationHooks } from './interceptors.ts';
import type { ImplementationsOf } from './implementation.ts';
import type { Invoke } from './invoke.ts';
import { nodeOperations } from './nodes.ts';
import { operatorActions } from './operator-actions.ts';
import { queryReaderOf } from './read-query.ts';
import { topicOperations } from './topics.ts';
import { transactionOperations } from './transactions.ts';

/**
 * Holdfast's own API (`OPERATIONS` of `@holdfast/protocol`), independent of the transport: the
 * server's routes and the embedding SDK both use it, so that both check, name and respond alike.
 */
export class ApiV1 {
  readonly #invokes: Readonly<Record<OperationName, Invoke>>;

  /** @param hooks what happens around each call */
  constructor(handlers: Handlers, hooks: OperationHooks = {}) {
    const interceptors = interceptorsOf(hooks);
    const implementations: ImplementationsOf<Readonly<Record<OperationName, unknown>>> = {
      ...transactionOperations(handlers),
      ...initiatorOperations(handlers),
      ...operatorActions(handlers),
      ...topicOperations(handlers),
      ...nodeOperations(handlers),
    };
    this.#invokes = Object.fromEntries(
      OPERATION_NAMES.map((name) => {
        const operation = { name, ...operationOf(name) };
        return [name, intercepted(interceptors, operation, checked(operation, implementations[name] as Invoke))];
      }),
    ) as Readonly<Record<OperationName, Invoke>>;
  }

  /** Calls an operation with an input of its type. Errors are `HoldfastError`. */
  call<Name extends OperationName>(
    name: Name,
    context: CallContext,
    input: InputOf<Name>,
    waitMs = 0,
  ): Promise<ResultOf<Name>> {
    return this.#invokes[name](context, input, waitMs) as Promise<ResultOf<Name>>;
  }

  /** The function that carries out an operation; a transport resolves it once. */
  invokeOf(name: OperationName): Invoke {
    return this.#invokes[name];
  }
}

/** Checks the parts of an input by the operation's schemas. */
function checked(operation: Operation, next: Invoke): Invoke {
  const { body: schema, bodyIsOptional } = operation;
  const readQuery = queryFieldsOf(operation).length === 0 ? undefined : queryReaderOf(operation);
  if (schema === undefined && readQuery === undefined) return next;
  return async (context, input, waitMs) => {
    const { query, body } = input;
    const isAbsent = schema === undefined || (bodyIsOptional === true && body === undefined);
    return next(
      context,
      {
        ...input,
        ...(readQuery !== undefined && { query: readQuery(query) }),
        ...(!isAbsent && { body: parse(schema, body) }),
      },
      waitMs,
    );
  };
}
