import { invalid } from '@holdfast/api';
import { HoldfastError } from '@holdfast/protocol';
import { decodeMessage, type MessageOf, ProtobufError, type ProtoMessage } from '@holdfast/protocol/protobuf';

/** Decodes a request. Throws `invalid`, naming the field at fault. */
export function decodeRequest<M extends ProtoMessage>(type: M, bytes: Uint8Array): MessageOf<M> {
  try {
    return decodeMessage(type, bytes);
  } catch (error) {
    if (!(error instanceof ProtobufError)) throw error;
    if (error.path.length === 0) throw new HoldfastError('invalid', `${type.name} ${error.fault}`);
    throw invalid('', error.path, error.fault);
  }
}
