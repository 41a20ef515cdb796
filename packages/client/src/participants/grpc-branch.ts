import { type handleUnaryCall, Metadata, type sendUnaryData, type ServerUnaryCall } from '@grpc/grpc-js';
import { LIMITS } from '@holdfast/protocol';
import { MESSAGE_FORM } from '@holdfast/protocol/grpc';
import { grpcTarget } from '@holdfast/protocol/signing';
import type { Barrier } from '../barrier/barrier.ts';
import { behindBarrier } from './behind-barrier.ts';
import { payloadOf } from './branch-server.ts';
import type { BarrierHandler, BranchHandler, BranchOptions } from './call.ts';
import { callFields, failureOf, readGrpcCall } from './grpc-call.ts';
import type { GrpcCodec } from './grpc-codec.ts';
import { tooLong } from './json-body.ts';
import { notify, type ReadCall, serveCall } from './serve-call.ts';
import { type VerifiableCall, verifiedBody, verifierOf } from './verified-call.ts';

export interface GrpcBranchOptions<Payload> extends BranchOptions<Payload> {
  /**
   * A longer message ends the call with RESOURCE_EXHAUSTED. Default: 1 MiB, the coordinator's limit
   * for a payload.
   */
  readonly maxMessageBytes?: number;
}

/** How a handler is run for a method with these messages, and how its value becomes a message. */
interface Method<Payload> {
  readonly handler: BranchHandler<Payload>;
  readonly messageOf: (value: unknown, complain: (error: unknown) => void) => Uint8Array;
}

const NOTHING = Buffer.alloc(0);

/** A unary method that a coordinator calls; `branch` and `checkBack` make it. */
export class GrpcBranch<Payload = unknown> {
  readonly #methodOf: (codec: GrpcCodec) => Method<Payload>;
  readonly #options: Partial<GrpcBranchOptions<Payload>>;

  private constructor(
    methodOf: (codec: GrpcCodec) => Method<Payload>,
    options: Partial<GrpcBranchOptions<Payload>> = {},
  ) {
    // A wrong option is an error here, not of the first call.
    verifierOf(options.verify);
    this.#methodOf = methodOf;
    this.#options = options;
  }

  static of<Payload>(handler: BranchHandler<Payload>, options?: GrpcBranchOptions<Payload>): GrpcBranch<Payload> {
    return new GrpcBranch((codec) => ({ handler, messageOf: encoder(codec) }), options);
  }

  /**
   * A barrier keeps JSON, in which the type of a message is lost. So the value of a handler is kept
   * as its message, and a repeated call receives the same bytes.
   */
  static behind<Payload, Tx>(
    barrier: Barrier<Tx>,
    handler: BarrierHandler<Payload, Tx>,
    options: GrpcBranchOptions<Payload> = {},
  ): GrpcBranch<Payload> {
    return new GrpcBranch((codec) => {
      const messageOf = encoder(codec);
      if (codec.isJson) return { handler: behindBarrier(barrier, handler), messageOf };
      const kept: BarrierHandler<Payload, Tx> = async (call, tx) => {
        const message = messageOf(await handler(call, tx), (error) => notify(options.onError, error, call));
        return message.length === 0 ? undefined : Buffer.from(message).toString('base64');
      };
      return {
        handler: behindBarrier(barrier, kept),
        messageOf: (base64) => (typeof base64 === 'string' ? Buffer.from(base64, 'base64') : NOTHING),
      };
    }, options);
  }

  /** The handler for a server whose method passes messages on as bytes. */
  serverOf(codec: GrpcCodec): handleUnaryCall<Buffer, Buffer> {
    const method = this.#methodOf(codec);
    return (call, callback) => void this.#serve(method, codec, call, callback);
  }

  async #serve(
    { handler, messageOf }: Method<Payload>,
    codec: GrpcCodec,
    call: ServerUnaryCall<Buffer, Buffer>,
    callback: sendUnaryData<Buffer>,
  ): Promise<void> {
    const { parse, of, maxMessageBytes = LIMITS.payloadBytes, verify } = this.#options;
    const verifier = verifierOf(verify);
    const read = async (): Promise<ReadCall<Payload>> => {
      if (call.request.length > maxMessageBytes) throw tooLong(maxMessageBytes);
      if (verifier !== undefined) await verifiedBody(verifier, verifiable(call));
      const coordinates = readGrpcCall(call.metadata);
      const payload = await payloadOf(codec.decode(call.request), parse ?? of?.parse);
      return { context: { ...coordinates, payload }, place: `${call.getHost()} ${call.getPath()}` };
    };
    const outcome = await serveCall(handler, this.#options, read);
    if (outcome.kind !== 'SUCCESS') return callback(failureOf(outcome));
    const message = messageOf(outcome.value, outcome.complain);
    if (codec.isJson) call.sendMetadata(jsonMetadata());
    callback(null, Buffer.from(message));
  }
}

/** What a coordinator signs of a call over gRPC: its message, and as the query its metadata. */
const verifiable = (call: ServerUnaryCall<Buffer, Buffer>): VerifiableCall => ({
  method: 'POST',
  target: () => grpcTarget(call.getPath(), callFields(call.metadata)),
  // A name that the caller sent twice is malformed, as over HTTP, where its values are joined.
  header: (name) => call.metadata.get(name).join(', '),
  readBytes: () => call.request,
});

/**
 * The message of a value. The work is done, so a value that has no message does not change the
 * result: the message is empty, and `complain` is called.
 */
const encoder =
  ({ encode }: GrpcCodec): Method<unknown>['messageOf'] =>
  (value, complain) => {
    try {
      return encode(value);
    } catch (error) {
      complain(error);
      return NOTHING;
    }
  };

function jsonMetadata(): Metadata {
  const metadata = new Metadata();
  metadata.set(MESSAGE_FORM.name, MESSAGE_FORM.json);
  return metadata;
}
