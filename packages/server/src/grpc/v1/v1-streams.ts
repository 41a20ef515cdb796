import { type ApiV1, type Invoke, rejectCall, StreamCall } from '@holdfast/api';
import type { CallContext } from '@holdfast/core';
import { STREAM_NAMES, type StreamName } from '@holdfast/protocol';
import { type DecodedCall, holdfastPath, holdfastService, type OperationMessages } from '@holdfast/protocol/grpc';
import { GrpcError } from '../grpc-error.ts';
import type { EventsMethod } from '../grpc-method.ts';
import { rejectRequest } from '../reject-request.ts';
import { PacedEvents, type StreamLimits, UnsentBytes } from './paced-events.ts';
import { type OnDefect, statusOfV1 } from './v1-error.ts';
import { writeLong } from './v1-methods.ts';
import { readV1Request } from './v1-request.ts';

/** The streams of Holdfast's own API over gRPC (`holdfast.v1`). */
export function v1Streams(
  api: Pick<ApiV1, 'invokeOfStream'>,
  onDefect: OnDefect,
  limits: Partial<StreamLimits> = {},
): readonly EventsMethod[] {
  const unsent = new UnsentBytes(limits);
  return STREAM_NAMES.map((name) => methodOf(name, api.invokeOfStream(name), onDefect, unsent));
}

function methodOf(name: StreamName, invoke: Invoke, onDefect: OnDefect, unsent: UnsentBytes): EventsMethod {
  const messages = holdfastService().streams[name];
  const asStatus = statusOfV1(messages, onDefect);
  const encoded = new EncodedEvents(messages);
  return {
    kind: 'events',
    path: holdfastPath(messages),
    run: async (context, bytes, send) => {
      const events = new PacedEvents(send, unsent);
      try {
        const { input } = await readRequest(messages, invoke, context, bytes);
        const call = new StreamCall(context, async (event) => events.send(await encoded.of(event as object)));
        await invoke(call, input, 0);
      } catch (thrown) {
        throw events.isStuck ? discarding(asStatus(thrown)) : asStatus(thrown);
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

/** A request that cannot be read is rejected within the interceptors of its stream. */
async function readRequest(
  messages: OperationMessages,
  invoke: Invoke,
  context: CallContext,
  bytes: Buffer,
): Promise<DecodedCall> {
  try {
    return await readV1Request(messages, bytes);
  } catch (thrown) {
    return rejectCall(invoke, context, thrown);
  }
}

/** The client takes no more bytes, so the events that wait would keep the status back. */
const discarding = ({ code, message, details }: GrpcError): GrpcError =>
  new GrpcError(code, message, details, { discardsUnsent: true });

/** Encoded events. Calls that send the same event share its bytes. */
class EncodedEvents {
  readonly #messages: OperationMessages;
  readonly #bytes = new WeakMap<object, Promise<Uint8Array>>();

  constructor(messages: OperationMessages) {
    this.#messages = messages;
  }

  of(event: object): Promise<Uint8Array> {
    const known = this.#bytes.get(event);
    if (known !== undefined) return known;
    const bytes = writeLong(this.#messages, event);
    this.#bytes.set(event, bytes);
    return bytes;
  }
}
