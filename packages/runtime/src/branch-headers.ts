/**
 * `branch_headers` of a transaction come from outside and go into requests: a name or value that is not plain header text must not reach the wire.
 */

const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** Visible ASCII, Latin-1, blanks and tabs; no line break, no other control character. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** What belongs to the connection, not to the transaction: left out, as Go's client library does, since some clients pass on all headers they got. */
const CONNECTION_HEADERS: ReadonlySet<string> = new Set([
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

const JSON_CONTENT: readonly string[] = ['content-type', 'application/json'];

/** The flat list undici takes; `content-type` is JSON unless `headers` say otherwise. Throws `BranchHeaderError`. */
export function headerList(headers: Readonly<Record<string, string>>, authorization: string): readonly string[] {
  let list: string[] | undefined;
  for (const name in headers) {
    if (CONNECTION_HEADERS.has(name.toLowerCase())) continue;
    const value = headers[name] ?? '';
    const fault = branchHeaderFault(name, value);
    if (fault !== undefined) throw new BranchHeaderError(fault);
    list ??= [...JSON_CONTENT];
    if (name.toLowerCase() === 'content-type') list[1] = value;
    else list.push(name, value);
  }
  if (authorization === '' || list?.some((text) => text.toLowerCase() === 'authorization')) return list ?? JSON_CONTENT;
  return [...(list ?? JSON_CONTENT), 'authorization', authorization];
}

/** A header of `branch_headers` cannot be sent. */
export class BranchHeaderError extends Error {
  override readonly name = 'BranchHeaderError';
}
