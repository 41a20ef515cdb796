import { isUtf8 } from 'node:buffer';
import { branchResult, isConnectionHeader, resultOfGrpc, SUCCESS, textOfThrown } from '@holdfast/protocol';
import { type GrpcUrl, isGrpcType, MESSAGE_FORM, parseGrpcUrl } from '@holdfast/protocol/grpc';
import { type CallSigner, grpcTarget, isSignatureHeader } from '@holdfast/protocol/signing';
import type { Client, Metadata } from '@grpc/grpc-js';
import { callFields, METADATA_PREFIX } from '../participants/grpc-call.ts';
import { payloadBytesOf } from '../payload.ts';
import type { InitiatorCall, InitiatorCallResult } from './api.ts';
import { Ending } from './ending.ts';
import { GrpcClients } from './grpc-clients.ts';
import { type GrpcLibrary, loadGrpc } from './grpc-library.ts';
import { contentTypeOf, unary, type UnaryEnd } from './grpc-unary.ts';
import { initiatorCallId } from './initiator-signature.ts';
import { parseJson } from './response-body.ts';

/** Calls branches over gRPC, as a coordinator would. */
export class GrpcBranchCaller {
  #clients: GrpcClients | undefined;
  readonly #running = new Map<Promise<UnaryEnd>, Ending>();
  readonly #signer: CallSigner | undefined;
  #isClosed = false;

  /** @param signer signs each call */
  constructor(signer?: CallSigner) {
    this.#signer = signer;
  }

  /**
   * Rejects if the caller's signal aborts, with a TypeError for a payload that is not JSON, and if
   * the library is not installed; every other failure is UNKNOWN.
   */
  async call(call: InitiatorCall): Promise<InitiatorCallResult> {
    const { signal, timeoutMs } = call;
    const message = payloadBytesOf(call.payload);
    const grpc = await loadGrpc();
    signal?.throwIfAborted();
    if (this.#isClosed) return unknown(call, 'this client was closed');
    const clients = (this.#clients ??= new GrpcClients(grpc));
    const url = parseGrpcUrl(call.url);
    let client: Client;
    let metadata: Metadata;
    try {
      client = clients.of(url);
      metadata = metadataOf(grpc, call, url.authorization);
      if (this.#signer !== undefined) sign(this.#signer, metadata, call, url, message);
    } catch (thrown) {
      return unknown(call, textOfThrown(thrown));
    }
    const ending = new Ending(timeoutMs, signal);
    const running = unary(client, { path: url.path, message, metadata, timeoutMs }, ending);
    this.#running.set(running, ending);
    const end = await running;
    this.#running.delete(running);
    ending.over();
    const type = contentTypeOf(end.metadata);
    if (end.isOk) return isGrpcType(type) ? { result: SUCCESS, body: bodyOf(end) } : unknown(call, notOfGrpc(0, type));
    signal?.throwIfAborted();
    const { code, details } = end.error;
    if (!ending.isLate && code !== grpc.status.DEADLINE_EXCEEDED) {
      const result = resultOfGrpc(code, details);
      return result.kind === 'UNKNOWN' || isGrpcType(type)
        ? { result, body: undefined }
        : unknown(call, notOfGrpc(code, type));
    }
    // Perhaps the other side no longer exists.
    clients.replace(client);
    return unknown(call, `no response within ${timeoutMs} ms`);
  }

  /** Resolves when the calls in progress have ended; the results of later calls are UNKNOWN. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.#running.keys());
    this.#clients?.close();
  }

  /** Ends the calls in progress, whose results are UNKNOWN. */
  async destroy(): Promise<void> {
    for (const ending of this.#running.values()) ending.end();
    await this.close();
  }
}

const unknown = ({ url }: InitiatorCall, why: string): InitiatorCallResult => ({
  result: branchResult('UNKNOWN', `${url}: ${why}`),
  body: undefined,
});

/** A proxy may have responded instead of the participant. */
const notOfGrpc = (code: number, type: string): string =>
  `grpc-status ${code}, but the content-type is ${JSON.stringify(type.slice(0, 64))}`;

/** Fields that gRPC or the library sends. */
const isReserved = (name: string): boolean =>
  name.startsWith('grpc-') || name === 'content-type' || name === 'user-agent' || isConnectionHeader(name);

/** Throws for a text that metadata cannot have. */
function metadataOf(grpc: GrpcLibrary, call: InitiatorCall, authorization: string): Metadata {
  const metadata = new grpc.Metadata();
  if (authorization !== '') metadata.set('authorization', authorization);
  for (const [name, value] of Object.entries(call.headers))
    if (!isReserved(name.toLowerCase())) metadata.set(name, isBinary(name) ? Buffer.from(value) : value.trim());
  const { gid, pattern, branchId, op, query } = call;
  const coordinates = { dtm: '', ...query, gid, trans_type: pattern, branch_id: branchId, op };
  for (const [name, value] of Object.entries(coordinates)) metadata.set(METADATA_PREFIX + name, value);
  return metadata;
}

/** As at the coordinator, values of these names are the bytes of the text. */
const isBinary = (name: string): boolean => name.toLowerCase().endsWith('-bin');

/** Adds the signature of a call to its metadata. */
function sign(
  signer: CallSigner,
  metadata: Metadata,
  call: InitiatorCall,
  { path, server }: GrpcUrl,
  body: Uint8Array,
): void {
  for (const name of Object.keys(metadata.getMap())) if (isSignatureHeader(name)) metadata.remove(name);
  const host = server.replace(/^\//, '').split(',', 1)[0] ?? '';
  const fields = signer.sign({
    id: initiatorCallId(call),
    method: 'POST',
    target: grpcTarget(path, callFields(metadata)),
    host,
    body,
  });
  for (const [name, value] of Object.entries(fields)) metadata.set(name, value);
}

/** What the handler of a participant of this SDK returned; otherwise the message, as bytes. */
function bodyOf({ message, metadata }: Extract<UnaryEnd, { readonly isOk: true }>): unknown {
  if (metadata?.get(MESSAGE_FORM.name)[0] !== MESSAGE_FORM.json) return message;
  if (message.length === 0 || !isUtf8(message)) return undefined;
  return parseJson(message.toString());
}
