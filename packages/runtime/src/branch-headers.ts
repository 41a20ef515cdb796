import { URL_COORDINATES_HEADER } from '@holdfast/protocol';

/**
 * `branch_headers` of a transaction come from outside and go into requests: a name or value that is not plain header text must not reach the wire.
 */

const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** Visible ASCII, Latin-1, blanks and tabs; no line break, no other control character. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** What belongs to the connection or to the coordinator, not to the transaction: left out, as Go's client library does, since some clients pass on all headers they got. */
const CONNECTION_HEADERS: ReadonlySet<string> = new Set([
  // By these a call over gRPC says which one it is.
  'dtm-gid',
  'dtm-trans_type',
  'dtm-branch_id',
  'dtm-op',
  'dtm-dtm',
  // A body that came compressed would not be understood.
  'accept-encoding',
  URL_COORDINATES_HEADER,
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Says what is wrong with a header; undefined when nothing is. */
export function branchHeaderFault(name: string, value: string): string | undefined {
  if (!NAME.test(name))
    return `header name ${JSON.stringify(name.slice(0, 64))} has characters that a name cannot have`;
  if (!VALUE.test(value)) return `value of header ${name} has characters that a header cannot carry`;
  return undefined;
}

const JSON_CONTENT = 'content-type: application/json\r\n';

/** Header lines as they go onto the wire; `content-type` is JSON unless `headers` say otherwise. Throws `BranchHeaderError`. */
export function headerLines(headers: Readonly<Record<string, string>>, authorization: string): string {
  let contentType = JSON_CONTENT;
  let lines = '';
  let isAuthorized = authorization === '';
  for (const name in headers) {
    const lowerName = name.toLowerCase();
    if (CONNECTION_HEADERS.has(lowerName)) continue;
    const value = headers[name] ?? '';
    const fault = branchHeaderFault(name, value);
    if (fault !== undefined) throw new BranchHeaderError(fault);
    const line = `${name}: ${value}\r\n`;
    if (lowerName === 'content-type') contentType = line;
    else lines += line;
    isAuthorized ||= lowerName === 'authorization';
  }
  return contentType + lines + (isAuthorized ? '' : `authorization: ${authorization}\r\n`);
}

/** A header of `branch_headers` cannot be sent. */
export class BranchHeaderError extends Error {
  override readonly name = 'BranchHeaderError';
}
