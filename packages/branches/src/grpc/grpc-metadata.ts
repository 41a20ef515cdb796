import type { BranchRequest } from '@holdfast/core';
import { encodeHeaders } from '@holdfast/http2';
import { isConnectionHeader } from '@holdfast/protocol';
import { formatGrpcTimeout } from '@holdfast/protocol/grpc';
import { BranchHeaderError } from '../http/branch-headers.ts';
import type { GrpcTarget } from './grpc-target.ts';

const NAME = /^[0-9a-z_.-]+$/;
/** gRPC carries printable ASCII only; names that end in `-bin` carry bytes as base64. */
const VALUE = /^[\x20-\x7e]*$/;

/** Fields that gRPC itself sends. */
const isReserved = (name: string): boolean =>
  name.startsWith('grpc-') ||
  name === 'content-type' ||
  name === 'user-agent' ||
  name === 'http2-settings' ||
  isConnectionHeader(name);

/**
 * The header block of a call: gRPC's fields, the transaction's coordinates, and the transaction's
 * `branch_headers`. Throws `BranchHeaderError` for what gRPC cannot carry.
 */
export function metadataOf(request: BranchRequest, target: GrpcTarget): Buffer {
  const fields: Record<string, string> = {
    'content-type': 'application/grpc',
    te: 'trailers',
    'grpc-timeout': formatGrpcTimeout(request.timeoutMs),
    'user-agent': 'holdfast',
    'dtm-gid': checked('gid', request.gid),
    'dtm-trans_type': request.pattern,
    'dtm-branch_id': checked('branch_id', request.branchId),
    'dtm-op': checked('op', request.op),
    'dtm-dtm': '',
  };
  for (const given in request.headers) {
    const name = given.toLowerCase();
    if (isReserved(name)) continue;
    const value = request.headers[given] ?? '';
    const fault = faultOfField(name, value);
    if (fault !== undefined) throw new BranchHeaderError(fault);
    // As in HTTP/1.1, a value has no spaces around it: receivers would drop the field.
    fields[name] = value.trim();
  }
  if (target.authorization !== '') fields['authorization'] ??= target.authorization;
  // Names that are numbers would come before the pseudo-header fields in one object.
  return encodeHeaders([
    [':method', 'POST'],
    [':scheme', target.isSecure ? 'https' : 'http'],
    [':authority', authorityOf(target.server)],
    [':path', target.path],
    ...Object.entries(fields),
  ]);
}

/** Why gRPC cannot carry `branch_headers`, though HTTP can; undefined if it can. */
export function metadataFault(headers: Readonly<Record<string, string>>): string | undefined {
  for (const given in headers) {
    const name = given.toLowerCase();
    const fault = isReserved(name) ? undefined : faultOfField(name, headers[given] ?? '');
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function faultOfField(name: string, value: string): string | undefined {
  if (!NAME.test(name)) return `header name ${JSON.stringify(name.slice(0, 64))} has characters that gRPC cannot carry`;
  return VALUE.test(value) ? undefined : notCarried(`value of ${name}`);
}

const notCarried = (what: string): string => `${what} must be printable ASCII to be carried by gRPC`;

function checked(what: string, text: string): string {
  if (!VALUE.test(text)) throw new BranchHeaderError(notCarried(what));
  return text;
}

/** The host and port of a server; of a list, the first one's. */
const authorityOf = (server: string): string => server.replace(/^\//, '').split(',', 1)[0] ?? '';
