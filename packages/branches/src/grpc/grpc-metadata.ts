import type { BranchRequest, CallContents } from '@holdfast/core';
import { encodeHeaders } from '@holdfast/http2';
import { isConnectionHeader } from '@holdfast/protocol';
import { formatGrpcTimeout } from '@holdfast/protocol/grpc';
import { BranchHeaderError } from '../http/branch-headers.ts';
import type { GrpcTarget } from './grpc-target.ts';

const NAME = /^[0-9a-z_.-]+$/;
/** gRPC carries printable ASCII only. */
const VALUE = /^[\x20-\x7e]*$/;
/** Receivers drop a value that begins or ends with a space. */
const COORDINATE = /^(?! )[\x20-\x7e]*(?<! )$/;
/** Values of these names are bytes, which are sent as base64. */
export const BINARY = '-bin';

/**
 * Metadata that gRPC's servers accept by default, counted as in HTTP/2: those of Java and of the C
 * library reject calls with more.
 */
const MAX_METADATA_BYTES = 8 * 1024;
/** What HTTP/2 counts for each field in addition to its name and its value. */
const FIELD_BYTES = 32;

/** Fields that gRPC itself sends. */
const isReserved = (name: string): boolean =>
  name.startsWith('grpc-') ||
  name === 'content-type' ||
  name === 'user-agent' ||
  name === 'http2-settings' ||
  isConnectionHeader(name);

type HeaderField = readonly [name: string, value: string];

/** What the metadata of a call depend on. */
type Call = Pick<BranchRequest, 'gid' | 'pattern' | 'branchId' | 'op' | 'headers' | 'timeoutMs'>;

/**
 * The header block of a call: gRPC's fields, the transaction's coordinates, and the transaction's
 * `branch_headers`. Throws `BranchHeaderError` for what gRPC cannot carry.
 */
export const metadataOf = (request: Call, target: GrpcTarget): Buffer => encodeHeaders(checkedFields(request, target));

/**
 * The fields of a call. Throws `BranchHeaderError` for what gRPC cannot carry.
 *
 * @param isOmitted whether a name in lower case is omitted from `branch_headers`
 */
export function checkedFields(
  request: Call,
  target: GrpcTarget,
  isOmitted?: (name: string) => boolean,
): readonly HeaderField[] {
  const { gid, branchId, op, headers } = request;
  const fault =
    faultOfCoordinate('gid', gid) ??
    faultOfCoordinate('branch ID', branchId) ??
    faultOfCoordinate('op', op) ??
    faultOfHeaders(headers);
  if (fault !== undefined) throw new BranchHeaderError(fault);
  return fieldsOf(request, target, isOmitted);
}

/**
 * Why gRPC cannot carry the contents of calls; undefined if it can.
 *
 * @param addedBytes metadata that are added to those of the contents
 */
export function metadataFault(target: GrpcTarget, contents: Partial<CallContents>, addedBytes = 0): string | undefined {
  const { gid = '', pattern = 'workflow', workflowName = '', branchId = '', options } = contents;
  const fault =
    faultOfCoordinate('gid', gid) ??
    faultOfCoordinate("workflow's name", workflowName) ??
    faultOfCoordinate('branch ID', branchId);
  if (fault !== undefined || options?.branchHeaders === undefined) return fault;
  const headers = options.branchHeaders;
  const examined = examinedHeaders(headers);
  if (examined.fault !== undefined) return examined.fault;
  if (examined.bytes + LARGEST_REST + addedBytes < MAX_METADATA_BYTES) return undefined;
  const call = {
    gid,
    pattern,
    branchId: branchId || LONGEST_BRANCH_ID,
    op: workflowName || 'compensate',
    timeoutMs: Number.MAX_SAFE_INTEGER,
    headers,
  };
  const bytes = bytesOf(fieldsOf(call, target)) + TRACE_BYTES + addedBytes;
  return bytes <= MAX_METADATA_BYTES
    ? undefined
    : `branch_headers: a gRPC call would have up to ${bytes} bytes of metadata, and servers accept ${MAX_METADATA_BYTES} bytes`;
}

type Headers = Readonly<Record<string, string>>;

/** What is known of the headers of a transaction, which may have a thousand branches. */
const known = new WeakMap<Headers, { readonly fault: string | undefined; readonly bytes: number }>();

function examinedHeaders(headers: Headers) {
  const before = known.get(headers);
  if (before !== undefined) return before;
  const examined = { fault: faultOfHeaders(headers), bytes: bytesOf(Object.entries(headers)) };
  known.set(headers, examined);
  return examined;
}

/** Of a step: its number. */
const LONGEST_BRANCH_ID = '1000';
/** `traceparent` and the longest `tracestate`, which the coordinator adds. */
const TRACE_BYTES = 11 + 55 + 10 + 512 + 2 * FIELD_BYTES;
/** More than a call has without `branch_headers`: most headers need not be counted exactly. */
const LARGEST_REST = 4 * 1024;

/** Why gRPC cannot carry `branch_headers`, though HTTP can; undefined if it can. */
export function faultOfHeaders(headers: Headers): string | undefined {
  for (const given in headers) {
    const name = given.toLowerCase();
    if (isReserved(name)) continue;
    if (!NAME.test(name))
      return `branch_headers: header name ${JSON.stringify(name.slice(0, 64))} has characters that gRPC cannot carry`;
    if (!name.endsWith(BINARY) && !VALUE.test(headers[given] ?? ''))
      return `branch_headers: value of ${name} must be printable ASCII to be carried by gRPC`;
  }
  return undefined;
}

const faultOfCoordinate = (what: string, text: string): string | undefined =>
  COORDINATE.test(text)
    ? undefined
    : `gRPC cannot carry the ${what}: it must be printable ASCII, without a space at its ends`;

function fieldsOf(
  { gid, pattern, branchId, op, headers, timeoutMs }: Call,
  { isSecure, server, path, authorization, authority = authorityOf(server) }: GrpcTarget,
  isOmitted: (name: string) => boolean = isReserved,
): HeaderField[] {
  const own = new Map<string, string>();
  for (const given in headers) {
    const name = given.toLowerCase();
    if (isReserved(name) || isOmitted(name)) continue;
    const value = headers[given] ?? '';
    // As in HTTP/1.1, a value has no spaces around it: receivers would drop the field.
    own.set(name, name.endsWith(BINARY) ? base64Of(value) : value.trim());
  }
  if (authorization !== '' && !own.has('authorization')) own.set('authorization', authorization);
  return [
    [':method', 'POST'],
    [':scheme', isSecure ? 'https' : 'http'],
    [':authority', authority],
    [':path', path],
    ['content-type', 'application/grpc'],
    ['te', 'trailers'],
    ['grpc-timeout', formatGrpcTimeout(timeoutMs)],
    ['user-agent', 'holdfast'],
    ['dtm-gid', gid],
    ['dtm-trans_type', pattern],
    ['dtm-branch_id', branchId],
    ['dtm-op', op],
    ['dtm-dtm', ''],
    ...own,
  ];
}

/** As the libraries of gRPC send the bytes of a text: base64 without padding. */
const base64Of = (text: string): string => Buffer.from(text).toString('base64').replace(/=+$/, '');

const bytesOf = (fields: readonly HeaderField[]): number =>
  fields.reduce((sum, [name, value]) => sum + name.length + value.length + FIELD_BYTES, 0);

/** The host and port of a server; of a list, the first one's. */
export const authorityOf = (server: string): string => server.replace(/^\//, '').split(',', 1)[0] ?? '';
