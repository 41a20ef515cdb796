import type { BranchRequest } from '@holdfast/core';
import {
  type BranchResult,
  branchResult,
  resultOfHttp,
  resultOfLongHttp,
  resultOfUnframedHttp,
  URL_COORDINATES_HEADER,
  type UrlCoordinates,
} from '@holdfast/protocol';
import type { CallSigner } from '@holdfast/protocol/signing';
import { headerLines } from './branch-headers.ts';
import { admitHttp, type HttpTarget, isCallable, targetOf } from './http-target.ts';
import { type ResponseReader, exchange } from './exchange.ts';
import { signatureOf } from './http-signature.ts';
import type { HttpRequest } from '../http1/request-bytes.ts';
import type { ConnectionPools } from './connection-pools.ts';
import type { AdmissionContext, BranchProtocol } from '../registry/branch-protocol.ts';

/** Branches with an `http:` or `https:` URL. Owns the connections. */
export class HttpProtocol implements BranchProtocol<HttpTarget> {
  readonly name = 'http';
  readonly #pools: ConnectionPools;
  readonly #signer: CallSigner | undefined;

  constructor(pools: ConnectionPools, signer?: CallSigner) {
    this.#pools = pools;
    this.#signer = signer;
  }

  matches(url: string): boolean {
    return isCallable(url);
  }

  parse(url: string): HttpTarget {
    return targetOf(url);
  }

  admit(target: HttpTarget, context: AdmissionContext): string | undefined {
    return admitHttp(target, context);
  }

  call(request: BranchRequest, target: HttpTarget): Promise<BranchResult> {
    return callHttp(this.#pools, request, target, this.#signer);
  }

  close(): Promise<void> {
    return this.#pools.close();
  }
}

/**
 * Calls a branch over HTTP: POST with the payload, GET without one (POST for xa and for
 * transactions of `/api/v1`). The transaction's coordinates are added to the URL's query.
 */
function callHttp(
  pools: ConnectionPools,
  request: BranchRequest,
  target: HttpTarget,
  signer: CallSigner | undefined,
): Promise<BranchResult> {
  const hasBody = request.payload.length > 0;
  const which = whichCoordinates(request, target);
  const path = target.pathPrefix + coordinates(request);
  const pool = pools.poolOf(request.namespace, target.destination);
  return send(pools, pool, request.timeoutMs, readHttpResponse, {
    method: hasBody || request.alwaysPost || request.pattern === 'xa' ? 'POST' : 'GET',
    // A participant that parses URLs sees an apostrophe in the query percent-encoded.
    path: signer === undefined ? path : path.replaceAll("'", '%27'),
    host: target.host,
    headers: headerLines(request.headers, target.authorization, signer !== undefined) + linesAbout(which),
    body: hasBody ? request.payload : null,
    signature: signatureOf(signer, request, which),
  });
}

/**
 * Sends one request over connections to a target's origin; `timeoutMs` covers the whole exchange.
 *
 * @param pool from `ConnectionPools.poolOf`; an origin: whatever the rules for targets are
 */
export function send(
  pools: ConnectionPools,
  pool: string,
  timeoutMs: number,
  read: ResponseReader,
  request: HttpRequest,
): Promise<BranchResult> {
  const entry = pools.acquire(pool);
  if (entry === undefined) return Promise.resolve(NO_ROOM);
  return exchange(pools.clock, entry.pool, request, timeoutMs, read, entry.release);
}

/** No call was made, so this does not count as an attempt. */
const NO_ROOM: BranchResult = {
  ...branchResult('UNKNOWN', 'too many different destinations are being called at once'),
  deferred: true,
};

/**
 * Which coordinates identify the call of a URL with parameters that are the coordinator's, which
 * only an earlier version accepted: see `URL_COORDINATES_HEADER`. Undefined for every other URL.
 */
function whichCoordinates(
  { pattern, op }: BranchRequest,
  { coordinates: own }: HttpTarget,
): UrlCoordinates | undefined {
  if (own.length === 0) return undefined;
  return pattern === 'saga' || (pattern === 'msg' && op === 'action') ? 'first' : 'last';
}

const linesAbout = (which: UrlCoordinates | undefined): string =>
  which === undefined ? '' : `${URL_COORDINATES_HEADER}: ${which}\r\n`;

const PLAIN = /^[\w.~-]+$/;
const encode = (text: string): string => (PLAIN.test(text) ? text : encodeURIComponent(text));

function coordinates({ gid, pattern, branchId, op }: BranchRequest): string {
  return `gid=${encode(gid)}&trans_type=${pattern}&branch_id=${encode(branchId)}&op=${encode(op)}`;
}

/** In a body too long to be kept, the deciding word was searched while the body was read. */
export const readHttpResponse: ResponseReader = ({ status, body, isTruncated, word, mayBeCutOff }) => {
  if (mayBeCutOff) return resultOfUnframedHttp(status, body, isTruncated);
  return isTruncated ? resultOfLongHttp(status, body, word) : resultOfHttp(status, body);
};
