import type { BranchRequest } from '@holdfast/core';
import {
  type BranchResult,
  branchResult,
  COORDINATES,
  jsonMembers,
  resultOfJsonRpc,
  uncallable,
} from '@holdfast/protocol';
import type { CallSigner } from '@holdfast/protocol/signing';
import { headerLines } from './branch-headers.ts';
import { admitHttp, type HttpTarget, isCallable, targetOf } from './http-target.ts';
import { send } from './http-protocol.ts';
import { signatureOf } from './http-signature.ts';
import type { ResponseReader } from './exchange.ts';
import type { ConnectionPools } from './connection-pools.ts';
import type { AdmissionContext, BranchProtocol, StatedProtocol } from '../registry/branch-protocol.ts';

/**
 * Branches of a transaction whose protocol is `json-rpc`, with the method in the URL's query. A URL
 * without a method is called over HTTP.
 */
export class JsonRpcProtocol implements BranchProtocol<HttpTarget> {
  readonly name = 'json-rpc';
  readonly #pools: ConnectionPools;
  readonly #signer: CallSigner | undefined;

  /** @param pools closed by the protocol that owns them */
  constructor(pools: ConnectionPools, signer?: CallSigner) {
    this.#pools = pools;
    this.#signer = signer;
  }

  matches(url: string, stated: StatedProtocol): boolean {
    return stated === 'json-rpc' && isCallable(url) && targetOf(url).rpcMethod !== '';
  }

  parse(url: string): HttpTarget {
    return targetOf(url);
  }

  admit(target: HttpTarget, context: AdmissionContext): string | undefined {
    return admitHttp(target, context) ?? this.faultOf(target, context);
  }

  faultOf(_target: HttpTarget, { payload }: AdmissionContext): string | undefined {
    return payload === undefined || membersOf(textOf(payload)) !== undefined ? undefined : NOT_AN_OBJECT;
  }

  call(request: BranchRequest, target: HttpTarget): Promise<BranchResult> {
    return callJsonRpc(this.#pools, request, target, this.#signer);
  }
}

/**
 * Calls a branch over JSON-RPC 2.0: the method is in the URL's query; the params are the payload's
 * fields and the transaction's coordinates.
 */
function callJsonRpc(
  pools: ConnectionPools,
  request: BranchRequest,
  target: HttpTarget,
  signer: CallSigner | undefined,
): Promise<BranchResult> {
  const params = paramsOf(request);
  if (params === undefined) return Promise.resolve(uncallable(NOT_AN_OBJECT));
  const id = JSON.stringify(`${request.gid}-${request.branchId}-${request.op}`);
  const pool = pools.poolOf(request.namespace, target.destination);
  return send(pools, pool, request.timeoutMs, readJsonRpcResponse, {
    method: 'POST',
    path: target.path,
    host: target.host,
    headers: headerLines(request.headers, target.authorization, signer !== undefined),
    body: `{"jsonrpc":"2.0","id":${id},"method":${JSON.stringify(target.rpcMethod)},"params":${params}}`,
    signature: signatureOf(signer, request),
  });
}

/**
 * The payload keeps its text (numbers keep all digits), except for members with the names of
 * coordinates.
 */
function paramsOf({ payload, gid, pattern, branchId, op }: BranchRequest): string | undefined {
  const coordinates = JSON.stringify({ gid, trans_type: pattern, branch_id: branchId, op });
  const text = textOf(payload);
  const names = membersOf(text);
  if (names === undefined) return undefined;
  if (names.length === 0) return coordinates;
  if (!names.some(isCoordinate)) return `${text.slice(0, -1)},${coordinates.slice(1)}`;
  let params = '';
  for (const [name, { start, end }] of jsonMembers(text))
    if (!isCoordinate(name)) params += `${JSON.stringify(name)}:${text.slice(start, end)},`;
  return `{${params}${coordinates.slice(1)}`;
}

const NOT_AN_OBJECT = 'the payload of a JSON-RPC branch must be a JSON object';

const textOf = ({ buffer, byteOffset, byteLength }: Uint8Array): string =>
  Buffer.from(buffer, byteOffset, byteLength).toString().trim();

/** Names of a payload's members, which may be absent; undefined if it is not a JSON object. */
const membersOf = (text: string): readonly string[] | undefined =>
  text === '' || text === 'null' ? [] : namesOf(text);

const isCoordinate = (name: string): boolean => (COORDINATES as readonly string[]).includes(name);

/** Names of the members; undefined if the text is not a JSON object. */
function namesOf(text: string): readonly string[] | undefined {
  try {
    const json: unknown = JSON.parse(text);
    if (typeof json !== 'object' || json === null || Array.isArray(json)) return undefined;
    return Object.keys(json);
  } catch {
    return undefined;
  }
}

const readJsonRpcResponse: ResponseReader = ({ status, body, isTruncated }) =>
  isTruncated && status !== 409
    ? branchResult('UNKNOWN', `HTTP ${status}, response too long to be read: ${body}`)
    : resultOfJsonRpc(status, body);
