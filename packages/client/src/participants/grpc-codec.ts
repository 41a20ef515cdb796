import { LIMITS, readableThrown, textOfThrown } from '@holdfast/protocol';
import { WORKFLOW_DATA } from '@holdfast/protocol/grpc';
import { decodeMessage } from '@holdfast/protocol/protobuf';
import type { MethodDefinition } from '@grpc/grpc-js';
import { exceedsJson } from '../json-size.ts';
import { BadBranchCall } from './call.ts';
import { parseJson, strictDecoder, utf8Text } from './json-body.ts';

/** How the messages of a method are read and written. */
export interface GrpcCodec {
  /** The payload. Throws `BadBranchCall` if the message cannot be read. */
  readonly decode: (message: Uint8Array) => unknown;
  /** The message of a value that the handler returned. Throws if it has none. */
  readonly encode: (value: unknown) => Uint8Array;
  /** Whether a message is a JSON text: the caller learns it from the response's metadata. */
  readonly isJson: boolean;
}

const NOTHING = Buffer.alloc(0);

const textOf = (bytes: Uint8Array): string => utf8Text(() => strictDecoder().decode(bytes));

/** Messages are JSON texts, as the payloads of HTTP branches; an empty message means undefined. */
export const JSON_CODEC: GrpcCodec = {
  decode: (message) => parseJson(textOf(message)),
  encode: (value) => {
    // A value that is far too long is not serialised: that could block the process for seconds.
    if (exceedsJson(value, LIMITS.payloadBytes)) throw tooLong();
    const stringify: (json: unknown) => string | undefined = JSON.stringify;
    const message = Buffer.from(stringify(value) ?? '');
    if (message.length > LIMITS.payloadBytes) throw tooLong();
    return message;
  },
  isJson: true,
};

const tooLong = (): RangeError =>
  new RangeError(`the returned value is longer than ${LIMITS.payloadBytes} bytes, so it is omitted from the response`);

/** The callback of a workflow: the input within a `WorkflowData` message, and no response. */
export const WORKFLOW_CODEC: GrpcCodec = {
  decode: (message) => JSON_CODEC.decode(decoded(() => decodeMessage(WORKFLOW_DATA, message).Data)),
  encode: () => NOTHING,
  isJson: false,
};

/**
 * The messages of a method of a service definition. A handler that returns nothing responds with an
 * empty message, which every type of proto3 has.
 */
export const codecOf = ({ requestDeserialize, responseSerialize }: MethodDefinition<unknown, unknown>): GrpcCodec => ({
  decode: (message) => decoded(() => requestDeserialize(Buffer.from(message))),
  encode: (value) => (value === undefined || value === null ? NOTHING : responseSerialize(value)),
  isJson: false,
});

function decoded<T>(decode: () => T): T {
  try {
    return decode();
  } catch (thrown) {
    const cause = readableThrown(thrown);
    throw new BadBranchCall(400, `the message cannot be read: ${textOfThrown(cause)}`, { cause });
  }
}
