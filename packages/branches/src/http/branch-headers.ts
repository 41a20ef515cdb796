import { isConnectionHeader } from '@holdfast/protocol';
import { isSignatureHeader } from '@holdfast/protocol/signing';

/**
 * `branch_headers` of a transaction come from outside and are sent in requests: a name or value
 * that is not plain header text must not reach the wire.
 */

const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** Visible ASCII, Latin-1, blanks and tabs; no line break, no other control character. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Describes what is wrong with a header; undefined if it is valid. */
export function branchHeaderFault(name: string, value: string): string | undefined {
  if (!NAME.test(name))
    return `header name ${JSON.stringify(name.slice(0, 64))} has characters that a name cannot have`;
  if (!VALUE.test(value)) return `value of header ${name} has characters that a header cannot carry`;
  return undefined;
}

const JSON_CONTENT = 'content-type: application/json\r\n';

/**
 * Header lines in wire form; `content-type` is JSON unless `headers` has another one. Throws
 * `BranchHeaderError`.
 *
 * @param isSigned the names of a signature's headers are the coordinator's
 */
export function headerLines(
  headers: Readonly<Record<string, string>>,
  authorization: string,
  isSigned: boolean = false,
): string {
  let contentType = JSON_CONTENT;
  let lines = '';
  let isAuthorized = authorization === '';
  for (const name in headers) {
    const lowerName = name.toLowerCase();
    if (isConnectionHeader(lowerName) || (isSigned && isSignatureHeader(lowerName))) continue;
    const value = headers[name] ?? '';
    const fault = branchHeaderFault(name, value);
    if (fault !== undefined) throw new BranchHeaderError(`branch_headers: ${fault}`);
    const line = `${name}: ${value}\r\n`;
    if (lowerName === 'content-type') contentType = line;
    else lines += line;
    isAuthorized ||= lowerName === 'authorization';
  }
  return contentType + lines + (isAuthorized ? '' : `authorization: ${authorization}\r\n`);
}

/** What a call carries, such as a header of `branch_headers`, cannot be sent. */
export class BranchHeaderError extends Error {
  override readonly name = 'BranchHeaderError';
}
