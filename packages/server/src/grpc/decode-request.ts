import { GRPC_STATUS } from '@holdfast/protocol/grpc';
import { decodeMessage, type MessageOf, ProtobufError, type ProtoMessage } from '@holdfast/protocol/protobuf';
import { GrpcError } from './grpc-error.ts';

/** Decodes a request. Throws `GrpcError` that names the field at fault. */
export function decodeRequest<M extends ProtoMessage>(type: M, bytes: Uint8Array): MessageOf<M> {
  try {
    return decodeMessage(type, bytes);
  } catch (error) {
    if (!(error instanceof ProtobufError)) throw error;
    const field = error.path.join('.');
    throw new GrpcError(GRPC_STATUS.invalidArgument, `${type.name}: ${error.message}`, {
      'holdfast-code': 'invalid',
      ...(field !== '' && { 'holdfast-field': field }),
    });
  }
}
