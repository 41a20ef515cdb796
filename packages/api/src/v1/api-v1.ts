import type { CallContext, Coordinator } from '@holdfast/core';
import {
  type InputOf,
  OPERATION_NAMES,
  type Operation,
  operationOf,
  type OperationName,
  queryFieldsOf,
  type ResultOf,
  STREAM_NAMES,
  type StreamEventOf,
  type StreamInputOf,
  type StreamName,
  streamOf,
  type StreamOperation,
  type CheckedStreamInputOf,
} from '@holdfast/protocol';
import type { TokenBook } from '../access/tokens/token-book.ts';
import type { AuditLog } from '../audit/audit-log.ts';
import { auditOperations } from '../operations/audit.ts';
import { parse } from '../reading/parse.ts';
import { initiatorOperations } from '../operations/initiators.ts';
import { type CallHooks, intercept, interceptStreams, recorded } from '../calls/interceptors.ts';
import type { ImplementationsOf } from '../operations/implementation.ts';
import type { Invoke } from '../calls/invoke.ts';
import { type NodeDescription, nodeOperations } from '../operations/nodes.ts';
import { operatorActions } from '../operations/operator-actions.ts';
import { queryReaderOf } from './read-query.ts';
import { type StreamImplementation, streamOperations } from '../operations/streams.ts';
import { type RunStream, type SendEvent, StreamCall, streamed } from '../calls/stream-call.ts';
import { tokenOperations } from '../operations/tokens.ts';
import { topicOperations } from '../operations/topics.ts';
import { transactionOperations } from '../operations/transactions.ts';

export interface ApiV1Options {
  /** Usually an `AdmittedCoordinator`. */
  readonly coordinator: Coordinator;
  readonly description: NodeDescription;
  /** Absent: the coordinator has no transports, and therefore no API tokens. */
  readonly tokens?: TokenBook;
  /** Absent: nothing is recorded, and there is no audit log to read. */
  readonly audit?: AuditLog | undefined;
}

/**
 * Holdfast's own API (`OPERATIONS` of `@holdfast/protocol`), independent of the transport: the
 * server's routes and the embedding SDK both use it, so that both check, name and respond alike.
 */
export class ApiV1 {
  readonly #invokes: Readonly<Record<OperationName, Invoke>>;
  readonly #streams: Readonly<Record<StreamName, Invoke>>;

  /** @param hooks what happens around each call */
  constructor({ coordinator, description, tokens, audit }: ApiV1Options, hooks: CallHooks = {}) {
    const wrap = intercept(hooks);
    const implementations: ImplementationsOf<Readonly<Record<OperationName, unknown>>> = {
      ...transactionOperations(coordinator),
      ...initiatorOperations(coordinator),
      ...operatorActions(coordinator),
      ...topicOperations(coordinator),
      ...nodeOperations(coordinator, description),
      ...tokenOperations(tokens),
      ...auditOperations(audit),
    };
    this.#invokes = Object.fromEntries(
      OPERATION_NAMES.map((name) => {
        const operation = { name, ...operationOf(name) };
        const invoke = recorded(hooks, operation, implementations[name] as Invoke);
        return [name, wrap(operation, checked(operation, invoke))];
      }),
    ) as Readonly<Record<OperationName, Invoke>>;
    const wrapStream = interceptStreams(hooks);
    const streams = streamOperations(coordinator);
    this.#streams = Object.fromEntries(
      STREAM_NAMES.map((name) => {
        const stream = { name, ...streamOf(name) };
        return [name, wrapStream(stream, streamed(checkedStream(stream, streams[name])))];
      }),
    ) as Readonly<Record<StreamName, Invoke>>;
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

  /**
   * Runs a stream until its end. Resolves after its last event, or when the context's signal has
   * aborted. Errors are `HoldfastError`.
   */
  async stream<Name extends StreamName>(
    name: Name,
    context: CallContext,
    input: StreamInputOf<Name>,
    send: (event: StreamEventOf<Name>) => Promise<void>,
  ): Promise<void> {
    await this.#streams[name](new StreamCall(context, send as SendEvent), { body: input }, 0);
  }

  /**
   * The function that runs a stream, with the input as the call's body. Its context must be a
   * `StreamCall`, unless it rejects the request.
   */
  invokeOfStream(name: StreamName): Invoke {
    return this.#streams[name];
  }
}

/** Checks the input of a stream by its schema. */
const checkedStream =
  ({ input: schema }: StreamOperation, run: StreamImplementation<StreamName>): RunStream =>
  (context, { body }, send) =>
    run(context, parse(schema, body) as CheckedStreamInputOf<StreamName>, send);

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
