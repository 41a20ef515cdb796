import { invalid } from '@holdfast/api';
import { HoldfastError, LIMITS } from '@holdfast/protocol';
import { decodeMessage, type MessageOf, ProtobufError, type ProtoMessage } from '@holdfast/protocol/protobuf';

/** Decodes a request. Throws `invalid`, naming the field at fault. */
export const decodeRequest = <M extends ProtoMessage>(type: M, bytes: Uint8Array): MessageOf<M> =>
  decoding(type.name, () => decodeMessage(type, bytes, { mostFields: LIMITS.requestFields }));

/** Runs a decoder of a message; a message that cannot be decoded is `invalid`. */
export function decoding<T>(message: string, decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    if (!(error instanceof ProtobufError)) throw error;
    if (error.path.length === 0) throw new HoldfastError('invalid', `${message} ${error.fault}`);
    throw invalid('', error.path, error.fault);
  }
}
