import { withoutSecrets } from './secrets.ts';
import type { ResultKind } from './vocabulary.ts';

/** The interpretation of a branch's response, for every transport. */
export interface BranchResult {
  readonly kind: ResultKind;
  /**
   * Human-readable reason of a result other than SUCCESS: the response body or a description of the
   * error; empty on SUCCESS. Bounded by `MAX_REASON_LENGTH`.
   */
  readonly reason: string;
  /**
   * Set if no call was made because there was no place for the destination: this does not count as
   * an attempt.
   */
  readonly deferred?: true;
  /**
   * Set if no call was made and further attempts by the same code cannot make one either, such as
   * for a header that the protocol cannot carry: the transaction needs operator attention at once.
   */
  readonly uncallable?: true;
}

export const SUCCESS: BranchResult = { kind: 'SUCCESS', reason: '' };

/** Longest reason kept, in UTF-16 units; longer ones are cut and end in "…". */
export const MAX_REASON_LENGTH = 1024;

/** A human-readable text as stored in a record: well-formed, and cut to the limit. */
export const cutReason = (text: string): string => cut(text.isWellFormed() ? text : text.toWellFormed());

function cut(text: string): string {
  if (text.length <= MAX_REASON_LENGTH) return text;
  const end = MAX_REASON_LENGTH - 1;
  return text.slice(0, isHighSurrogate(text.charCodeAt(end - 1)) ? end - 1 : end) + '…';
}

const isHighSurrogate = (unit: number): boolean => unit >= 0xd800 && unit < 0xdc00;

/** Length of a reason that is searched for secrets; without these it may still reach the limit. */
const SEARCHED_LENGTH = 4 * MAX_REASON_LENGTH;

/**
 * A result other than success, with secrets removed from its reason and the reason cut to the
 * limit. A participant may echo its request.
 */
export function branchResult(
  kind: Exclude<ResultKind, 'SUCCESS'>,
  reason: string,
  knownSecrets: readonly string[] = [],
): BranchResult {
  return { kind, reason: cut(withoutSecrets(reason.slice(0, SEARCHED_LENGTH), knownSecrets)) };
}

/** The result for a branch that cannot be called, now or later. */
export const uncallable = (reason: string): BranchResult => ({
  ...branchResult('UNKNOWN', reason),
  uncallable: true,
});

const HTTP_KINDS: Readonly<Record<number, ResultKind>> = {
  200: 'SUCCESS',
  201: 'SUCCESS',
  204: 'SUCCESS',
  202: 'ONGOING',
  425: 'ONGOING',
  409: 'FAILURE',
};

/**
 * The result of an HTTP response. The status decides, except that dtm's words count with any
 * status: `dtm_result` of a JSON body, or the bare word in a body that is not JSON. A JSON body
 * with the word elsewhere does not count, nor does an error page: a proxy's may contain a text such
 * as AUTHENTICATION FAILURE. ONGOING takes precedence. Redirects are not followed: UNKNOWN.
 */
export function resultOfHttp(status: number, body: string): BranchResult {
  const kind = (isErrorPage(status, body) ? undefined : wordOf(body)) ?? HTTP_KINDS[status] ?? 'UNKNOWN';
  if (kind === 'SUCCESS') return SUCCESS;
  return branchResult(kind, body === '' ? `HTTP ${status}` : kind === 'UNKNOWN' ? `HTTP ${status}: ${body}` : body);
}

/**
 * The result of an HTTP response whose body was too long to be kept: `beginning` of the body, and
 * the deciding word found anywhere in it.
 */
export function resultOfLongHttp(status: number, beginning: string, word: Word | undefined): BranchResult {
  const kind = (isErrorPage(status, beginning) ? undefined : word) ?? HTTP_KINDS[status] ?? 'UNKNOWN';
  if (kind === 'SUCCESS') return SUCCESS;
  return branchResult(kind, kind === 'UNKNOWN' ? `HTTP ${status}: ${beginning}` : beginning);
}

/**
 * The result of an HTTP response whose body ended only with the connection, so that a truncated
 * response is the same. It counts if its body is complete JSON (no truncated object, array or
 * string is), or if its status needs no body (409, 425). Otherwise it is UNKNOWN. `isPart`: `body`
 * is known to be truncated.
 */
export function resultOfUnframedHttp(status: number, body: string, isPart = false): BranchResult {
  if (!isPart && isWholeJson(body)) return resultOfHttp(status, body);
  if (status === 409) return branchResult('FAILURE', body === '' ? 'HTTP 409' : body);
  if (status === 425) return branchResult('ONGOING', body === '' ? 'HTTP 425' : body);
  return branchResult(
    'UNKNOWN',
    `HTTP ${status} without Content-Length or chunks, and not whole JSON, so it may have been cut off; send a Content-Length: ${body}`,
  );
}

function isWholeJson(text: string): boolean {
  try {
    const json: unknown = JSON.parse(withoutByteOrderMark(text));
    return typeof json === 'string' || (typeof json === 'object' && json !== null);
  } catch {
    return false;
  }
}

/** Whether a response has no status of success, and a body in HTML or XML. */
const isErrorPage = (status: number, body: string): boolean =>
  (status < 200 || status >= 300) && /^\ufeff?\s*</.test(body);

type Word = 'FAILURE' | 'ONGOING';

function wordOf(body: string): Word | undefined {
  const ongoing = body.includes('ONGOING');
  if (!ongoing && !body.includes('FAILURE')) return undefined;
  try {
    return wordOfJson(JSON.parse(withoutByteOrderMark(body)));
  } catch {
    return ongoing ? 'ONGOING' : 'FAILURE';
  }
}

/** The word in a JSON value: the value itself, or `dtm_result` of an object. */
function wordOfJson(json: unknown): Word | undefined {
  const word = typeof json === 'object' && json !== null && 'dtm_result' in json ? json.dtm_result : json;
  return word === 'ONGOING' || word === 'FAILURE' ? word : undefined;
}

const withoutByteOrderMark = (text: string): string => (text.charCodeAt(0) === 0xfeff ? text.slice(1) : text);

const JSON_RPC_FAILURE = -32901;
const JSON_RPC_ONGOING = -32902;

/**
 * The result of a JSON-RPC branch. HTTP 409 is FAILURE, whatever the body. Otherwise the body must
 * be a JSON object. The error's code decides; without an error, dtm's words count as over HTTP,
 * also in the result, then the HTTP status.
 */
export function resultOfJsonRpc(status: number, body: string): BranchResult {
  if (status === 409) return branchResult('FAILURE', body === '' ? 'HTTP 409' : body);
  const response = parseObject(body);
  if (response === undefined) return branchResult('UNKNOWN', `HTTP ${status}: not a JSON-RPC response: ${body}`);
  if ('error' in response && response.error !== null && response.error !== undefined)
    return branchResult(kindOfRpcError(response.error), body);
  const word = 'result' in response ? wordOfJson(response.result) : undefined;
  return word === undefined ? resultOfHttp(status, body) : branchResult(word, body);
}

function kindOfRpcError(error: unknown): Exclude<ResultKind, 'SUCCESS'> {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return code === JSON_RPC_FAILURE ? 'FAILURE' : code === JSON_RPC_ONGOING ? 'ONGOING' : 'UNKNOWN';
}

function parseObject(body: string): object | undefined {
  try {
    const json: unknown = JSON.parse(withoutByteOrderMark(body));
    return typeof json === 'object' && json !== null && !Array.isArray(json) ? json : undefined;
  } catch {
    return undefined;
  }
}

const GRPC_OK = 0;
const GRPC_FAILED_PRECONDITION = 9;
const GRPC_ABORTED = 10;

/**
 * The result of a gRPC response: only the code decides (Aborted with the message `ONGOING` is
 * ONGOING, for old clients).
 */
export function resultOfGrpc(code: number, message: string): BranchResult {
  if (code === GRPC_OK) return SUCCESS;
  if (code === GRPC_FAILED_PRECONDITION || (code === GRPC_ABORTED && message === 'ONGOING'))
    return branchResult('ONGOING', message);
  if (code === GRPC_ABORTED) return branchResult('FAILURE', message);
  return branchResult('UNKNOWN', `gRPC code ${code}: ${message}`);
}
