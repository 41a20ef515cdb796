import type { IncomingMessage } from 'node:http';
import { SIGNATURE_HEADERS } from '@holdfast/protocol/signing';
import { tooLong } from './json-body.ts';

/** Property of a request with the bytes of its body, before a parser changed them. */
const RAW = Symbol.for('holdfast.rawBody');

interface WithRawBody {
  [RAW]?: Uint8Array;
}

/** Keeps the bytes of a body that a parser is about to read, if the call is signed. */
export function keepRaw(request: IncomingMessage, body: Uint8Array): void {
  if (request.headers[SIGNATURE_HEADERS.call] !== undefined) (request as WithRawBody)[RAW] = body;
}

/**
 * The bytes of a body that a framework has read already; undefined if they are not known.
 *
 * @param body what its parser left
 */
export function rawBody(request: IncomingMessage, body: unknown, maxBytes: number): Uint8Array | undefined {
  const bytes = (request as WithRawBody)[RAW] ?? (body instanceof Uint8Array ? body : undefined) ?? none(request);
  if (bytes !== undefined && bytes.length > maxBytes) throw tooLong(maxBytes);
  return bytes;
}

/** No bytes, for a request without a body. */
function none({ headers }: IncomingMessage): Uint8Array | undefined {
  const { 'content-length': length, 'transfer-encoding': coding } = headers;
  return length === '0' || (length === undefined && coding === undefined) ? new Uint8Array() : undefined;
}
