import type { CallContext } from '@holdfast/core';
import { type ApiV1, type Invoke, rejectCall } from '@holdfast/api';
import { HoldfastError, type Operation, operationOf, OPERATION_NAMES, type OperationName } from '@holdfast/protocol';
import { type DecodedCall, holdfastPath, holdfastService, type OperationMessages } from '@holdfast/protocol/grpc';
import { inTurns } from '../../http/json-text.ts';
import { places } from '../../http/places.ts';
import type { UnaryMethod } from '../grpc-method.ts';
import { rejectRequest } from '../reject-request.ts';
import { type OnDefect, statusOfV1 } from './v1-error.ts';
import { readV1Request } from './v1-request.ts';

/**
 * Longest response, in bytes. Clients accept less by default (4 MB); what they accept is their
 * option.
 */
const LONGEST_RESPONSE = 64 * 1024 * 1024;

/** Holdfast's own API over gRPC (`holdfast.v1`): a method for each operation. */
export const v1Methods = (api: Pick<ApiV1, 'invokeOf'>, onDefect: OnDefect): readonly UnaryMethod[] =>
  OPERATION_NAMES.map((name) => methodOf(name, api.invokeOf(name), onDefect));

function methodOf(name: OperationName, invoke: Invoke, onDefect: OnDefect): UnaryMethod {
  const operation = operationOf(name);
  const messages = holdfastService().operations[name];
  const path = holdfastPath(messages);
  const run = runnerOf(operation, messages, invoke);
  const asStatus = statusOfV1(messages, onDefect);
  return {
    kind: 'unary',
    path,
    call: async (context, bytes) => {
      try {
        return await run(context, bytes);
      } catch (thrown) {
        throw asStatus(thrown);
      }
    },
    reject: async (context, error) => {
      try {
        return await rejectRequest(invoke, context, error);
      } catch (thrown) {
        throw asStatus(thrown);
      }
    },
  };
}

type Run = (context: CallContext, bytes: Buffer) => Promise<Uint8Array>;

/** A request that cannot be read is rejected within the interceptors of its operation. */
function runnerOf(operation: Operation, messages: OperationMessages, invoke: Invoke): Run {
  const { mayBeLong = false, kind } = operation;
  const takesPlaces = mayBeLong && kind === 'query';
  const write = mayBeLong ? (result: unknown) => writeLong(messages, result) : messages.encodeResult.bind(messages);
  return async (context, bytes) => {
    let call: DecodedCall;
    let hasPlace = false;
    try {
      call = await readV1Request(messages, bytes);
      // A call that waits for a transaction takes no place, since it may take minutes.
      hasPlace = takesPlaces && call.waitMs === 0 && (await enterPlace(context));
    } catch (thrown) {
      return rejectCall(invoke, context, thrown);
    }
    try {
      return await write(await invoke(context, call.input, call.waitMs));
    } finally {
      if (hasPlace) places.leave();
    }
  };
}

/** Takes a place for a long response, which the caller returns. */
async function enterPlace(context: CallContext): Promise<true> {
  const onGone = (listener: () => void): void => context.signal?.addEventListener('abort', listener, { once: true });
  const hasPlace = (await places.enter({ onGone }, context.deadlineMs)) ?? true;
  if (!hasPlace) throw new HoldfastError('unavailable', 'the client has disconnected');
  return true;
}

/** Encodes a result that may be long; other events are handled in between. */
export async function writeLong(messages: OperationMessages, result: unknown): Promise<Uint8Array> {
  return inTurns(collected(messages.encodeResultInPieces(result)));
}

function* collected(encoded: Iterable<Buffer>): Generator<undefined, Uint8Array> {
  const pieces: Buffer[] = [];
  let length = 0;
  for (const piece of encoded) {
    length += piece.length;
    if (length > LONGEST_RESPONSE)
      throw new HoldfastError(
        'too_large',
        `the response would have more than ${LONGEST_RESPONSE} bytes; request fewer items, or use HTTP`,
      );
    pieces.push(piece);
    yield;
  }
  return Buffer.concat(pieces, length);
}
