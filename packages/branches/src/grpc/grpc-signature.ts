import type { BranchRequest } from '@holdfast/core';
import { encodeHeaders } from '@holdfast/http2';
import { type CallSigner, callId, grpcTarget, isSignatureHeader } from '@holdfast/protocol/signing';
import { authorityOf, BINARY, checkedFields } from './grpc-metadata.ts';
import type { GrpcTarget } from './grpc-target.ts';

/**
 * Bytes of a signature's metadata, counted as in HTTP/2: with a gid of which every character is
 * encoded, a long name of a host, and as many keys as there may be.
 */
export const LARGEST_SIGNATURE = 3 * 1024;

/**
 * The header block of a signed call, made when the call is sent. What is signed as the body is the
 * message, without the five bytes before it on the wire. Throws `BranchHeaderError` for what gRPC
 * cannot carry.
 */
export function signedMetadata(
  signer: CallSigner,
  request: BranchRequest,
  target: GrpcTarget,
  message: Uint8Array,
): () => Buffer {
  const { gid, branchId, op, attempt } = request;
  const fields = checkedFields(request, target, isSignatureHeader);
  const signed = {
    id: callId(gid, branchId, op, attempt),
    method: 'POST',
    target: grpcTarget(target.path, fields.flatMap(signedField)),
    host: target.authority ?? authorityOf(target.server),
    body: message,
  };
  return () => encodeHeaders([...fields, ...Object.entries(signer.sign(signed))]);
}

const PREFIX = 'dtm-';

/** A field without its prefix, if participants see it as a part of the call: a text in `dtm-…`. */
const signedField = ([name, value]: readonly [string, string]): [string, string][] =>
  name.startsWith(PREFIX) && !name.endsWith(BINARY) && value !== '' ? [[name.slice(PREFIX.length), value]] : [];
